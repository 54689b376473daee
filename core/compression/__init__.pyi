from .changes import ExplanationPair as ExplanationPair
from .changes import PredictionChanges as PredictionChanges
from .changes import compare as compare
from .changes import explanations as explanations
from .cost import FileSize as FileSize
from .cost import InferenceTime as InferenceTime
from .cost import TimeRatio as TimeRatio
from .cost import race as race
from .cost import size_of as size_of
from .cutting import CutNetwork as CutNetwork
from .cutting import cut as cut
from .plan import CompressedNetwork as CompressedNetwork
from .plan import LayerCompression as LayerCompression
from .plan import compress as compress
from .plan import sweep as sweep
from .pruning import PrunedNetwork as PrunedNetwork
from .pruning import prune as prune
from .quantization import quantize as quantize
from .saving import from_file as from_file
from .saving import to_file as to_file
from .ways import PRUNINGS as PRUNINGS
from .ways import CompressionPlan as CompressionPlan
from .ways import Pruning as Pruning

__all__ = [
    "PRUNINGS",
    "CompressedNetwork",
    "CompressionPlan",
    "CutNetwork",
    "ExplanationPair",
    "FileSize",
    "InferenceTime",
    "LayerCompression",
    "PredictionChanges",
    "PrunedNetwork",
    "Pruning",
    "TimeRatio",
    "compare",
    "compress",
    "cut",
    "explanations",
    "from_file",
    "prune",
    "quantize",
    "race",
    "size_of",
    "sweep",
    "to_file",
]
