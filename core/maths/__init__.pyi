from .activations import ACTIVATIONS as ACTIVATIONS
from .activations import activation_backward as activation_backward
from .activations import activation_forward as activation_forward
from .convolution import ConvGradients as ConvGradients
from .convolution import conv2d_backward as conv2d_backward
from .convolution import conv2d_forward as conv2d_forward
from .dense import DenseGradients as DenseGradients
from .dense import dense_backward as dense_backward
from .dense import dense_forward as dense_forward
from .landscapes import LANDSCAPES as LANDSCAPES
from .landscapes import Landscape as Landscape
from .losses import LOSSES as LOSSES
from .losses import LossCurve as LossCurve
from .losses import log_softmax as log_softmax
from .losses import loss_gradient as loss_gradient
from .losses import loss_slide as loss_slide
from .losses import loss_value as loss_value
from .losses import softmax as softmax
from .normalization import NormGradients as NormGradients
from .normalization import batch_moments as batch_moments
from .normalization import batch_norm_backward as batch_norm_backward
from .normalization import batch_norm_forward as batch_norm_forward
from .normalization import dropout_backward as dropout_backward
from .normalization import dropout_forward as dropout_forward
from .optimizers import OptimizerState as OptimizerState
from .optimizers import OptimizerUpdate as OptimizerUpdate
from .optimizers import update as update
from .pooling import pool2d_backward as pool2d_backward
from .pooling import pool2d_forward as pool2d_forward
from .races import race as race
from .rules import OPTIMIZERS as OPTIMIZERS
from .terms import Term as Term
from .unrolled import col2im as col2im
from .unrolled import im2col as im2col
from .windows import out_size as out_size

__all__ = [
    "ACTIVATIONS",
    "LANDSCAPES",
    "LOSSES",
    "OPTIMIZERS",
    "ConvGradients",
    "DenseGradients",
    "Landscape",
    "LossCurve",
    "NormGradients",
    "OptimizerState",
    "OptimizerUpdate",
    "Term",
    "activation_backward",
    "activation_forward",
    "batch_moments",
    "batch_norm_backward",
    "batch_norm_forward",
    "col2im",
    "conv2d_backward",
    "conv2d_forward",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "im2col",
    "log_softmax",
    "loss_gradient",
    "loss_slide",
    "loss_value",
    "out_size",
    "pool2d_backward",
    "pool2d_forward",
    "race",
    "softmax",
    "update",
]
