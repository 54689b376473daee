from .activations import capture_activations as capture_activations
from .activations import zero_share as zero_share
from .kernels import filter_layers as filter_layers
from .kernels import filters as filters
from .sight import receptive_field as receptive_field

__all__ = ["capture_activations", "filter_layers", "filters", "receptive_field", "zero_share"]
