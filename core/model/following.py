"""Following a network with torch.fx while other threads use networks."""

import threading
from collections.abc import Callable
from typing import Any

import torch.fx
from torch import nn

from core.model.backbone import PixelInput

_alone = threading.Lock()


class Tracer(torch.fx.Tracer):
    """A tracer that minds its own thread.

    While it follows a network, torch.fx replaces the call of every module in the process: those of other threads would
    end up in the graph, or fail because they are no part of this network. Here they are passed through untouched. One
    network is followed at a time, or what one has replaced would stay behind when two overlap.
    """

    _thread = 0

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> torch.fx.Graph:
        with _alone:
            self._thread = threading.get_ident()
            return super().trace(root, concrete_args)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a module is followed no further: those of torch, and what prepares a backbone's pixels."""
        return isinstance(m, PixelInput) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def traced_module(model: nn.Module) -> torch.fx.GraphModule:
    """Return a network as a graph of its operations: what `torch.fx.symbolic_trace` gives, beside other threads."""
    tracer = Tracer()
    graph = tracer.trace(model)
    return torch.fx.GraphModule(tracer.root, graph, type(model).__name__)
