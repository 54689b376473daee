from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .attribution import heatmap as heatmap
from .layers import cam_layers as cam_layers
from .layers import default_cam_layer as default_cam_layer
from .layers import why_not as why_not
from .methods import METHODS as METHODS
from .methods import Method as Method
from .methods import Option as Option
from .prediction import predict as predict

__all__ = [
    "METHODS",
    "Attribution",
    "Method",
    "Option",
    "attribute",
    "cam_layers",
    "default_cam_layer",
    "heatmap",
    "predict",
    "why_not",
]
