"""Making the PyTorch network that a spec describes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from core.errors import SpecError
from core.model.calls import ModuleCall, module_call
from core.model.layers import Backbone
from core.model.pretrained_backbone import make_backbone
from core.model.residual import ResidualBlock
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec

_TORCH = (
    "Conv2d BatchNorm2d BatchNorm1d ReLU LeakyReLU Sigmoid Tanh GELU SiLU MaxPool2d AvgPool2d "
    "AdaptiveAvgPool2d Dropout Flatten Linear Sequential"
)
MODULES: dict[str, Any] = {name: getattr(nn, name) for name in _TORCH.split()} | {"ResidualBlock": ResidualBlock}


def build_model(spec: ModelSpec, *, seed: int = 0) -> nn.Sequential:
    """Build a network with fresh weights, those of PyTorch's own initialisation after `torch.manual_seed(seed)`.

    A backbone has the weights of its pretrained network.

    Its children are named by `spec.layer_names`, one module per use and none in place, in training mode, float32,
    on the CPU: (N, C, H, W) images in, (N, K) logits out. The global random state is neither read nor changed, so
    that threads may build networks at the same time.

    Raises:
        SpecError: The layers do not fit together; the sentence is that of the first problem and its first fix.
        ZooError: The weights of its backbone are not on this computer.
    """
    return _assembled(spec, DrawnFrom(torch.Generator().manual_seed(seed)))


def empty_model(spec: ModelSpec) -> nn.Sequential:
    """Build the network of `build_model` for weights that are loaded next: until then it holds any numbers.

    Nothing is drawn, which is most of the work of `build_model`. Raises what that raises.
    """
    return _assembled(spec, _NotDrawn())


def _assembled(spec: ModelSpec, initialisation: TorchFunctionMode) -> nn.Sequential:
    for problem in problems(spec):
        raise SpecError(problem.sentence)
    children: list[tuple[str, nn.Module]] = []
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        assert summary.input_shape is not None  # no problem, so every shape is known
        if isinstance(layer, Backbone):  # draws nothing
            children.append((summary.name, make_backbone(layer, summary.input_shape)))
            continue
        with initialisation:
            children.append((summary.name, make_module(module_call(layer, summary.input_shape))))
    return nn.Sequential(OrderedDict(children))


class DrawnFrom(TorchFunctionMode):
    """Within a block, PyTorch's initialisation (`torch.nn.init`) draws from a generator; for this thread alone.

    The constructors and `reset_parameters` of modules take no generator: without it they draw from the global random
    state, which all threads share.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry out one call of torch; where it says `generator=None`, as all of `torch.nn.init` does, pass ours."""
        words = kwargs or {}
        if "generator" in words and words["generator"] is None:
            words = words | {"generator": self._generator}
        return func(*args, **words)


class _NotDrawn(TorchFunctionMode):
    """Within a block, PyTorch's initialisation leaves weights as they are; for this thread alone."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry out one call of torch, but none that draws: those of `torch.nn.init` are handed back their tensor."""
        words = kwargs or {}
        return words["tensor"] if words.keys() >= {"tensor", "generator"} else func(*args, **words)


def make_module(call: ModuleCall) -> nn.Module:
    """Carry out one call; only the classes of `MODULES` can be made."""
    args = [make_module(value) if isinstance(value, ModuleCall) else value for value in call.args]
    module: nn.Module = MODULES[call.name](*args, **dict(call.kwargs))
    return module
