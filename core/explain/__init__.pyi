from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .attribution import heatmap as heatmap
from .fitness import why_not as why_not
from .layers import cam_layers as cam_layers
from .layers import default_cam_layer as default_cam_layer
from .layers import map_layers as map_layers
from .method import Method as Method
from .method import Option as Option
from .methods import METHODS as METHODS
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
    "map_layers",
    "predict",
    "why_not",
]
