from .activations import capture_activations as capture_activations
from .activations import passage as passage
from .activations import zero_share as zero_share
from .anatomy import Part as Part
from .anatomy import dissect as dissect
from .atlas import DataMap as DataMap
from .atlas import NoMap as NoMap
from .atlas import Sample as Sample
from .atlas import data_map as data_map
from .atlas import untangle as untangle
from .classical import CLASSICAL as CLASSICAL
from .classical import Classical as Classical
from .classical import ClassicalResult as ClassicalResult
from .classical import Setting as Setting
from .classical import apply_classical as apply_classical
from .embedding import PROJECTIONS as PROJECTIONS
from .embedding import Projection as Projection
from .embedding import aligned as aligned
from .embedding import project as project
from .features import Features as Features
from .features import layer_features as layer_features
from .fields import FieldStep as FieldStep
from .fields import effective_field as effective_field
from .fields import field_steps as field_steps
from .fields import reach as reach
from .hog import HogResult as HogResult
from .hog import hog_features as hog_features
from .hog import hog_svm as hog_svm
from .kernels import biases as biases
from .kernels import filter_layers as filter_layers
from .kernels import filters as filters
from .matching import Match as Match
from .matching import best_matches as best_matches
from .neighbors import Neighbors as Neighbors
from .passes import LayerPass as LayerPass
from .passes import layer_pass as layer_pass
from .pooling import Window as Window
from .pooling import pool_window as pool_window
from .preferred import preferred_input as preferred_input
from .preferred import preferred_steps as preferred_steps
from .sight import receptive_field as receptive_field
from .sights import Sight as Sight
from .surgery import Edit as Edit
from .surgery import Off as Off
from .surgery import Replace as Replace
from .surgery import Swap as Swap
from .surgery import operate as operate
from .units import TopImages as TopImages
from .units import contributions as contributions
from .units import dead_units as dead_units
from .units import top_images as top_images
from .window_pass import WindowPass as WindowPass
from .window_pass import conv_pass as conv_pass
from .window_pass import pool_pass as pool_pass

__all__ = [
    "CLASSICAL",
    "PROJECTIONS",
    "Classical",
    "ClassicalResult",
    "DataMap",
    "Edit",
    "Features",
    "FieldStep",
    "HogResult",
    "LayerPass",
    "Match",
    "Neighbors",
    "NoMap",
    "Off",
    "Part",
    "Projection",
    "Replace",
    "Sample",
    "Setting",
    "Sight",
    "Swap",
    "TopImages",
    "Window",
    "WindowPass",
    "aligned",
    "apply_classical",
    "best_matches",
    "biases",
    "capture_activations",
    "contributions",
    "conv_pass",
    "data_map",
    "dead_units",
    "dissect",
    "effective_field",
    "field_steps",
    "filter_layers",
    "filters",
    "hog_features",
    "hog_svm",
    "layer_features",
    "layer_pass",
    "operate",
    "passage",
    "pool_pass",
    "pool_window",
    "preferred_input",
    "preferred_steps",
    "project",
    "reach",
    "receptive_field",
    "top_images",
    "untangle",
    "zero_share",
]
