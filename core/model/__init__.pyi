from .build import build_model as build_model
from .difference import spec_changes as spec_changes
from .export import to_python as to_python
from .handmade import KERNELS as KERNELS
from .handmade import Kernel as Kernel
from .handmade import kernel as kernel
from .layers import ACTIVATIONS as ACTIVATIONS
from .layers import LAYERS as LAYERS
from .layers import Activation as Activation
from .layers import AvgPool as AvgPool
from .layers import BatchNorm as BatchNorm
from .layers import Conv as Conv
from .layers import Dense as Dense
from .layers import Dropout as Dropout
from .layers import Flatten as Flatten
from .layers import GlobalAvgPool as GlobalAvgPool
from .layers import Layer as Layer
from .layers import MaxPool as MaxPool
from .layers import Residual as Residual
from .presets import PRESETS as PRESETS
from .presets import Preset as Preset
from .presets import preset as preset
from .shapes import Fix as Fix
from .shapes import LayerSummary as LayerSummary
from .shapes import Problem as Problem
from .shapes import problems as problems
from .shapes import summarize as summarize
from .spec import ModelSpec as ModelSpec
from .zoo import ZOO as ZOO
from .zoo import ZooInfo as ZooInfo
from .zoo_weights import load_pretrained as load_pretrained

__all__ = [
    "ACTIVATIONS",
    "KERNELS",
    "LAYERS",
    "PRESETS",
    "ZOO",
    "Activation",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Dense",
    "Dropout",
    "Fix",
    "Flatten",
    "GlobalAvgPool",
    "Kernel",
    "Layer",
    "LayerSummary",
    "MaxPool",
    "ModelSpec",
    "Preset",
    "Problem",
    "Residual",
    "ZooInfo",
    "build_model",
    "kernel",
    "load_pretrained",
    "preset",
    "problems",
    "spec_changes",
    "summarize",
    "to_python",
]
