from .activations import capture_activations as capture_activations
from .activations import zero_share as zero_share
from .kernels import biases as biases
from .kernels import filter_layers as filter_layers
from .kernels import filters as filters
from .pooling import Window as Window
from .pooling import pool_window as pool_window
from .sight import receptive_field as receptive_field

__all__ = [
    "Window",
    "biases",
    "capture_activations",
    "filter_layers",
    "filters",
    "pool_window",
    "receptive_field",
    "zero_share",
]
