"""The layers of any network, traced by torch.fx: order of execution, blocks, shapes and receptive fields.

The network is followed once with torch.fx (https://docs.pytorch.org/docs/stable/fx.html): nothing need be known of
how it was written.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ConvScopeError
from core.inference.copies import shallow_copy_for_hooks
from core.model.backbone import PixelInput
from core.model.following import Tracer
from core.model.layer_result import Window
from core.model.spec import Shape
from core.probe.module_windows import windows_of
from core.probe.receptive_fields import ReceptiveFieldMap, joined

KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv",
    nn.BatchNorm2d: "batch_norm",
    nn.MaxPool2d: "max_pool",
    nn.AvgPool2d: "avg_pool",
    nn.AdaptiveAvgPool2d: "global_avg_pool",
    nn.Linear: "dense",
    nn.Flatten: "flatten",
    nn.Dropout: "dropout",
}
BLOCK, OTHER, ACTIVATION = "block", "other", "activation"
_LAST, _FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # channels put last, and first again


@dataclass(frozen=True, eq=False)
class LayerNode:
    """One layer of a network, or a block of several.

    Attributes:
        name: As in `model.named_modules()`.
        kind: A value of `KINDS`, "activation", "block" or "other".
        source: The layer whose output goes in; empty where that is the image, or an operation made it that is no
            layer (a sum, say). For a block, that of its first layer.
        input_shape, output_shape: (C, H, W) or (F,), without the batch.
        receptive_field: What its numbers see of the image.
    """

    name: str
    kind: str
    source: str
    input_shape: Shape
    output_shape: Shape
    receptive_field: ReceptiveFieldMap


def layer_graph(model: nn.Module, input_shape: tuple[int, int, int]) -> tuple[LayerNode, ...]:
    """Return the layers and blocks of a network in order of execution; a block comes after its own layers.

    Layers whose output has its channels last are left out: their numbers do not lie as maps.

    Args:
        model: The network; it is left as it was found.
        input_shape: (C, H, W) of an image.

    Raises:
        ConvScopeError: The network's course depends on its numbers, so that it cannot be followed, or an operation
            of it moves places about in a way that is not known here.
    """
    twin = shallow_copy_for_hooks(model)
    try:
        graph = _Tracer().trace(twin)
    except Exception as error:  # torch.fx answers what it cannot follow with almost any exception
        raise ConvScopeError("The way of a picture through this network cannot be followed.") from error
    follower = _Follower(torch.fx.GraphModule(twin, graph), input_shape)
    with torch.no_grad():
        follower.run(torch.zeros(1, *input_shape))
    return tuple(follower.parts)


class _Tracer(Tracer):
    """A torch.fx tracer whose leaves are the modules without children."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d) or next(m.children(), None) is None


class _Follower(torch.fx.Interpreter):
    """A torch.fx interpreter that records the receptive field of every operation for one image."""

    def __init__(self, network: torch.fx.GraphModule, input_shape: tuple[int, int, int]) -> None:
        super().__init__(network)
        self.extra_traceback = False  # it would be written into our sentences
        self.parts: list[LayerNode] = []
        self._input_shape = input_shape
        self._fields: dict[torch.fx.Node, ReceptiveFieldMap] = {}
        self._shapes: dict[torch.fx.Node, Shape] = {}
        self._turned: set[torch.fx.Node] = set()  # those with their channels last
        self._ends = _block_ends(network)

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        sources = [each for each in n.all_input_nodes if each in self._fields]
        if n.op == "placeholder":
            self._fields[n] = ReceptiveFieldMap.of_image(*self._input_shape[1:])
        elif n.op != "output" and sources and _is_maps(result):
            module = self.submodules[str(n.target)] if n.op == "call_module" else None
            self._turn(n, module, sources)
            self._fields[n] = self._field(n, module, sources, result)
        if isinstance(result, Tensor):
            self._shapes[n] = tuple(result.shape[1:])
            self._note(n, sources)
        return result

    def _turn(self, n: torch.fx.Node, module: nn.Module | None, sources: list[torch.fx.Node]) -> None:
        order = getattr(module, "dims", None) or (n.args[1] if n.target is torch.permute else n.args[1:])
        order = tuple(order) if isinstance(order, list | tuple) else ()
        if order == _LAST or (order != _FIRST and any(source in self._turned for source in sources)):
            self._turned.add(n)

    def _field(
        self, n: torch.fx.Node, module: nn.Module | None, sources: list[torch.fx.Node], result: Any
    ) -> ReceptiveFieldMap:
        field = joined(self._fields[source] for source in sources)
        tensor = result if isinstance(result, Tensor) else result[0]
        name, shape = str(n.target) if module is not None else n.name, tuple(tensor.shape)
        if len(shape) < 4:
            return field.pooled(name, (1, 1), places=False) if field.places else field
        sides = shape[1:3] if n in self._turned else shape[-2:]
        windows = _slides(module, n)
        if windows is not None:
            return field.through(name, windows, sides)
        if isinstance(module, PixelInput):
            return field.resized(sides)
        if isinstance(module, nn.AdaptiveAvgPool2d) or n.target in (functional.adaptive_avg_pool2d, "mean"):
            return field.pooled(name, sides)
        if sides != field.sides:
            raise ConvScopeError(f"What becomes of the places at {name} cannot be followed.")
        return field

    def _note(self, n: torch.fx.Node, sources: list[torch.fx.Node]) -> None:
        """Record the layer of a graph node, and the blocks that end with it."""
        if n in self._turned or n not in self._fields or not sources:
            pass
        elif n.op == "call_module":
            module, name = self.submodules[str(n.target)], str(n.target)
            kind = next((kind for each, kind in KINDS.items() if isinstance(module, each)), None)
            if kind is None:
                kind = ACTIVATION if type(module).__module__ == "torch.nn.modules.activation" else OTHER
            self._list(name, kind, sources[0], n)
        for name, first in self._ends.get(n, ()):
            if n in self._fields and n not in self._turned:
                self._list(name, BLOCK, next(each for each in first.all_input_nodes if each in self._shapes), n)

    def _list(self, name: str, kind: str, source: torch.fx.Node, n: torch.fx.Node) -> None:
        before = str(source.target) if source.op == "call_module" else ""
        self.parts.append(LayerNode(name, kind, before, self._shapes[source], self._shapes[n], self._fields[n]))


def _is_maps(result: Any) -> bool:
    """Whether a result is a tensor or a tuple that starts with one, and not a size or the like."""
    return isinstance(result, Tensor) or (isinstance(result, tuple) and bool(result) and isinstance(result[0], Tensor))


def _block_ends(network: torch.fx.GraphModule) -> dict[torch.fx.Node, list[tuple[str, torch.fx.Node]]]:
    """Return the blocks by their last operation, inner ones first, each with its first operation.

    A block is what holds other modules and is no mere stack of them.
    """
    spans: dict[str, tuple[torch.fx.Node, torch.fx.Node]] = {}
    for node in network.graph.nodes:
        for name, kind in node.meta.get("nn_module_stack", {}).values():
            inner = name and name != node.target and not issubclass(kind, nn.Sequential | nn.ModuleList)
            if inner and node.all_input_nodes:
                spans[name] = (spans[name][0] if name in spans else node, node)
    ends: dict[torch.fx.Node, list[tuple[str, torch.fx.Node]]] = {}
    for name, (first, last) in reversed(spans.items()):
        ends.setdefault(last, []).append((name, first))
    return ends


def _slides(module: nn.Module | None, n: torch.fx.Node) -> tuple[Window, Window] | None:
    """Return the windows that an operation slides over maps, for rows and columns; None where there are none."""
    if n.target in (functional.max_pool2d, functional.avg_pool2d):
        raise ConvScopeError(f"What becomes of the places at {n.name} cannot be followed.")
    return None if module is None else windows_of(module)
