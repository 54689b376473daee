from .activation_maximization import preferred_input as preferred_input
from .activation_maximization import preferred_steps as preferred_steps
from .activations import capture_activations as capture_activations
from .activations import passage as passage
from .activations import zero_share as zero_share
from .autograd_reference import LayerPass as LayerPass
from .autograd_reference import WindowPass as WindowPass
from .autograd_reference import conv_pass as conv_pass
from .autograd_reference import layer_pass as layer_pass
from .autograd_reference import pool_pass as pool_pass
from .classical import CLASSICAL as CLASSICAL
from .classical import ClassicalResult as ClassicalResult
from .classical import Operation as Operation
from .classical import apply_classical as apply_classical
from .embedding.data_map import DataMap as DataMap
from .embedding.data_map import ImageSample as ImageSample
from .embedding.data_map import MissingMap as MissingMap
from .embedding.data_map import data_map as data_map
from .embedding.data_map import data_maps as data_maps
from .embedding.layout import PROJECTIONS as PROJECTIONS
from .embedding.layout import Projection as Projection
from .embedding.layout import aligned as aligned
from .embedding.layout import project as project
from .embedding.trust import Neighbors as Neighbors
from .features import Features as Features
from .features import layer_features as layer_features
from .hog import HogResult as HogResult
from .hog import hog_features as hog_features
from .hog import hog_svm as hog_svm
from .kernel_matching import Match as Match
from .kernel_matching import best_matches as best_matches
from .kernels import biases as biases
from .kernels import filter_layers as filter_layers
from .kernels import filters as filters
from .layer_graph import LayerNode as LayerNode
from .layer_graph import layer_graph as layer_graph
from .pooling import PoolingWindow as PoolingWindow
from .pooling import pool_window as pool_window
from .receptive_fields import FieldStep as FieldStep
from .receptive_fields import ReceptiveFieldMap as ReceptiveFieldMap
from .receptive_fields import field_steps as field_steps
from .receptive_fields import reach as reach
from .receptive_fields import receptive_field as receptive_field
from .surgery import Edit as Edit
from .surgery import Off as Off
from .surgery import Replace as Replace
from .surgery import Swap as Swap
from .surgery import apply_edits as apply_edits
from .units import TopImages as TopImages
from .units import contributions as contributions
from .units import dead_units as dead_units
from .units import effective_field as effective_field
from .units import top_images as top_images

__all__ = [
    "CLASSICAL",
    "PROJECTIONS",
    "ClassicalResult",
    "DataMap",
    "Edit",
    "Features",
    "FieldStep",
    "HogResult",
    "ImageSample",
    "LayerNode",
    "LayerPass",
    "Match",
    "MissingMap",
    "Neighbors",
    "Off",
    "Operation",
    "PoolingWindow",
    "Projection",
    "ReceptiveFieldMap",
    "Replace",
    "Swap",
    "TopImages",
    "WindowPass",
    "aligned",
    "apply_classical",
    "apply_edits",
    "best_matches",
    "biases",
    "capture_activations",
    "contributions",
    "conv_pass",
    "data_map",
    "data_maps",
    "dead_units",
    "effective_field",
    "field_steps",
    "filter_layers",
    "filters",
    "hog_features",
    "hog_svm",
    "layer_features",
    "layer_graph",
    "layer_pass",
    "passage",
    "pool_pass",
    "pool_window",
    "preferred_input",
    "preferred_steps",
    "project",
    "reach",
    "receptive_field",
    "top_images",
    "zero_share",
]
