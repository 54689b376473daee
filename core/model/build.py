"""Making the PyTorch network that a spec describes."""

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from core.errors import SpecError
from core.model.calls import ModuleCall, module_call
from core.model.residual import ResidualBlock
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec

_TORCH = (
    "Conv2d BatchNorm2d BatchNorm1d ReLU LeakyReLU Sigmoid Tanh GELU SiLU MaxPool2d AvgPool2d "
    "AdaptiveAvgPool2d Dropout Flatten Linear Sequential"
)
MODULES: dict[str, Any] = {name: getattr(nn, name) for name in _TORCH.split()} | {"ResidualBlock": ResidualBlock}


def build_model(spec: ModelSpec, *, seed: int = 0) -> nn.Sequential:
    """Build a network with fresh weights (PyTorch's own initialisation) that depend on nothing but `seed`.

    Its children are named by `spec.layer_names`, one module per use and none in place, in training mode, float32,
    on the CPU: (N, C, H, W) images in, (N, K) logits out. The global random state is left as it was.

    Raises:
        SpecError: The layers do not fit together; the sentence is that of the first problem and its first fix.
    """
    for problem in problems(spec):
        raise SpecError(problem.sentence)
    children = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the CPU's alone: `torch.manual_seed` reseeds every GPU too
        for layer, summary in zip(spec.layers, summarize(spec), strict=True):
            assert summary.input_shape is not None  # no problem, so every shape is known
            children.append((summary.name, make_module(module_call(layer, summary.input_shape))))
    return nn.Sequential(OrderedDict(children))


def make_module(call: ModuleCall) -> nn.Module:
    """Carry out one call; only the classes of `MODULES` can be made."""
    args = [make_module(value) if isinstance(value, ModuleCall) else value for value in call.args]
    module: nn.Module = MODULES[call.name](*args, **dict(call.kwargs))
    return module
