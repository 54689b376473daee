"""Canonization: rewrites a network by torch.fx so that every operation is a module, used once and not in place.

DeepLIFT, LRP and guided back-propagation have rules for modules: one that is used twice or works in place, or an
activation that is called as a function, makes them wrong without a word. Following the network with torch.fx
(https://docs.pytorch.org/docs/stable/fx.html) mends that.
"""

import copy
import operator
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from core.model.following import traced_module


class Sum(nn.Module):
    """The sum of two tensors."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return their sum."""
        return first + second


class Mean(nn.Module):
    """The mean over some dimensions, for instance the height and width of maps."""

    def __init__(self, dim: int | list[int] | tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the means."""
        return inputs.mean(dim=self.dim, keepdim=self.keepdim)


def _max_pool(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> nn.Module:
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)


_SUMS = {operator.add, operator.iadd, torch.add, "add", "add_"}
# What is called as a function, as the module that does the same.
_MODULES: dict[Any, Callable[..., nn.Module]] = {
    F.relu: lambda inplace=False: nn.ReLU(),
    torch.relu: lambda: nn.ReLU(),
    "relu": lambda: nn.ReLU(),
    F.relu6: lambda inplace=False: nn.ReLU6(),
    F.silu: lambda inplace=False: nn.SiLU(),
    F.hardswish: lambda inplace=False: nn.Hardswish(),
    F.gelu: lambda approximate="none": nn.GELU(approximate),
    torch.sigmoid: lambda: nn.Sigmoid(),
    torch.tanh: lambda: nn.Tanh(),
    torch.flatten: lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "flatten": lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    F.adaptive_avg_pool2d: lambda output_size: nn.AdaptiveAvgPool2d(output_size),
    F.avg_pool2d: lambda *args, **words: nn.AvgPool2d(*args, **words),
    F.max_pool2d: _max_pool,
    torch.max_pool2d: _max_pool,
    torch.mean: Mean,
    "mean": Mean,
    F.dropout: lambda *args, **words: nn.Dropout(),
}
# Layers whose weights are handed to a function, with the names of its arguments behind the input.
_WEIGHTED: dict[Any, tuple[str, ...]] = {
    F.conv2d: ("weight", "bias", "stride", "padding", "dilation", "groups"),
    torch.conv2d: ("weight", "bias", "stride", "padding", "dilation", "groups"),
    F.linear: ("weight", "bias"),
}
_Kept = tuple[tuple[torch.Tensor, ...], nn.Module]  # the weights it was made of, and what came out
_cache: "WeakKeyDictionary[nn.Module, _Kept]" = WeakKeyDictionary()


def is_plain(model: nn.Module) -> bool:
    """Whether a network is a plain stack of torch's own modules, each used once and none in place."""
    if type(model) is not nn.Sequential:
        return False
    children = list(model)
    return len(set(map(id, children))) == len(children) and all(
        type(child).__module__.startswith("torch.nn.modules")
        and not list(child.children())
        and not getattr(child, "inplace", False)
        for child in children
    )


def canonized(model: nn.Module) -> nn.Module | None:
    """Return the same network with one module per operation, sharing its weights; None if it cannot be traced.

    Modules that are called keep their names; further calls of the same get a number behind it. Sums become modules
    too, and so do activations, poolings, convolutions and dense layers that were functions.
    """
    if is_plain(model):
        return model
    weights = tuple(model.parameters())
    cached = _cache.get(model)
    if cached is None or [*map(id, cached[0])] != [*map(id, weights)]:
        network = _unfold(model)
        if network is None:  # perhaps for a cause that passes
            return None
        cached = _cache[model] = weights, network
    return cached[1]


def operations(network: nn.Module) -> tuple[Any, ...]:
    """Return the operations of a canonized network: its modules, and the functions and methods that are left."""
    if not isinstance(network, torch.fx.GraphModule):
        return tuple(network.children())
    modules = dict(network.named_modules())
    steps = (node for node in network.graph.nodes if node.op in ("call_module", "call_function", "call_method"))
    return tuple(modules[str(node.target)] if node.op == "call_module" else node.target for node in steps)


def _unfold(model: nn.Module) -> nn.Module | None:
    try:
        traced = traced_module(model)
    except Exception:  # torch.fx answers what it cannot follow with almost any exception
        return None
    modules, used = dict(traced.named_modules()), set[str]()
    for node in list(traced.graph.nodes):
        if node.op == "call_module":
            _once(traced, node, modules, used)
        elif node.op in ("call_function", "call_method"):
            _as_module(traced, node)
    traced.graph.lint()
    traced.recompile()
    return traced.train(model.training)


def _once(traced: torch.fx.GraphModule, node: torch.fx.Node, modules: dict[str, nn.Module], used: set[str]) -> None:
    """Give a call a copy of its module that does not work in place."""
    name, module = str(node.target), modules[str(node.target)]
    own = copy.copy(module)  # its weights are the same, its tables of hooks are not looked at
    if getattr(own, "inplace", False):
        own.inplace = False  # type: ignore[assignment]
    while name in used:
        name += "_again"
    used.add(name)
    traced.add_submodule(name, own)
    node.target = name


def _as_module(traced: torch.fx.GraphModule, node: torch.fx.Node) -> None:
    """Replace a function call by the equivalent module, where there is one."""
    inputs = [arg for arg in node.args if isinstance(arg, torch.fx.Node)]
    if node.target in _SUMS and len(inputs) == 2 and not node.kwargs:
        module: nn.Module = Sum()
        taken = tuple(inputs)
    elif node.target in _WEIGHTED:
        layer = _layer(traced, node)
        if layer is None:
            return
        module, taken = layer, (inputs[0],)
    elif node.target in _MODULES and len(inputs) == 1:
        words = {key: value for key, value in node.kwargs.items() if key != "input"}
        try:
            module = _MODULES[node.target](*node.args[1:], **words)
        except TypeError:
            return
        taken = (inputs[0],)
    else:
        return
    name = f"step_{node.name}"
    traced.add_submodule(name, module)
    with traced.graph.inserting_after(node):
        new = traced.graph.call_module(name, taken)
    node.replace_all_uses_with(new)
    weights = [each for each in node.all_input_nodes if each.op == "get_attr"]
    traced.graph.erase_node(node)
    for each in weights:
        if not each.users:
            traced.graph.erase_node(each)


def _layer(traced: torch.fx.GraphModule, node: torch.fx.Node) -> nn.Module | None:
    """Return the layer that a call computes with parameters of the network, which it shares; None of other weights."""
    words: dict[str, Any] = dict(zip(_WEIGHTED[node.target], node.args[1:], strict=False)) | dict(node.kwargs)
    weight, bias = (_parameter(traced, words.pop(name, None)) for name in ("weight", "bias"))
    used = 1 + (weight is not None) + (bias is not None)
    if weight is None or not node.args or len(node.all_input_nodes) != used:
        return None
    size, has_bias = weight.shape, bias is not None
    if node.target is F.linear:
        layer: nn.Module = nn.utils.skip_init(nn.Linear, size[1], size[0], has_bias, device="meta")
    else:
        channels = size[1] * words.get("groups", 1)
        layer = nn.utils.skip_init(nn.Conv2d, channels, size[0], tuple(size[2:]), bias=has_bias, device="meta", **words)
    layer._parameters.update(weight=weight, bias=bias)
    return layer


def _parameter(traced: torch.fx.GraphModule, node: Any) -> nn.Parameter | None:
    if not isinstance(node, torch.fx.Node) or node.op != "get_attr":
        return None
    owner, _, name = str(node.target).rpartition(".")
    return traced.get_submodule(owner)._parameters.get(name)
