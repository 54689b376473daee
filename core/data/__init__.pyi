from .arrays import is_stored as is_stored
from .augment import Augmentation as Augmentation
from .catalog import DATASETS as DATASETS
from .catalog import DatasetInfo as DatasetInfo
from .crop import Crop as Crop
from .datasets import Dataset as Dataset
from .datasets import Split as Split
from .datasets import load_dataset as load_dataset
from .images import PreprocessingStep as PreprocessingStep
from .images import decode_image as decode_image
from .images import fit_image as fit_image
from .images import looks_inverted as looks_inverted
from .importing.importer import import_images as import_images
from .synthetic.concepts import CONCEPTS as CONCEPTS
from .synthetic.concepts import Concept as Concept
from .synthetic.concepts import concepts_for as concepts_for
from .synthetic.concepts import draw_concept as draw_concept
from .synthetic.shapes import draw_shapes as draw_shapes

__all__ = [
    "CONCEPTS",
    "DATASETS",
    "Augmentation",
    "Concept",
    "Crop",
    "Dataset",
    "DatasetInfo",
    "PreprocessingStep",
    "Split",
    "concepts_for",
    "decode_image",
    "draw_concept",
    "draw_shapes",
    "fit_image",
    "import_images",
    "is_stored",
    "load_dataset",
    "looks_inverted",
]
