from .changes import Change as Change
from .changes import Moved as Moved
from .changes import compare as compare
from .changes import explanations as explanations
from .cost import Pace as Pace
from .cost import Ratio as Ratio
from .cost import Size as Size
from .cost import race as race
from .cost import size_of as size_of
from .cutting import Cut as Cut
from .cutting import cut as cut
from .plan import Compressed as Compressed
from .plan import LayerLoss as LayerLoss
from .plan import compress as compress
from .plan import sweep as sweep
from .pruning import Pruned as Pruned
from .pruning import prune as prune
from .quantization import quantize as quantize
from .saving import from_file as from_file
from .saving import to_file as to_file
from .ways import PRUNINGS as PRUNINGS
from .ways import Plan as Plan
from .ways import Pruning as Pruning

__all__ = [
    "PRUNINGS",
    "Change",
    "Compressed",
    "Cut",
    "LayerLoss",
    "Moved",
    "Pace",
    "Plan",
    "Pruned",
    "Pruning",
    "Ratio",
    "Size",
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
