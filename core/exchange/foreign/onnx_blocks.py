"""Several operations of ONNX that are one layer here: SiLU, GELU and the residual block."""

from collections.abc import Sequence

import numpy as np

from core.exchange.foreign import linear, pointwise
from core.exchange.foreign.linear import Filters
from core.exchange.foreign.network import ForeignError, shown
from core.exchange.foreign.onnx_graph import Graph, Node
from core.exchange.foreign.onnx_walk import Walk


def add_block(walk: Walk, users: Sequence[Node]) -> None:
    """Add what several operations that take the value are together; raises `ForeignError` if we have no such layer."""
    if not (_silu(walk, users) or _gelu(walk, users) or _residual(walk, users)):
        names = ", ".join(shown(node.owner) for node in users[:3])
        raise ForeignError(f"The network branches into {names}, and networks here are one chain of layers.")


def _only(graph: Graph, name: str, kind: str) -> Node | None:
    users = graph.users(name)
    return users[0] if len(users) == 1 and users[0].kind == kind and name != graph.output else None


def _constant(graph: Graph, node: Node, name: str) -> float | None:
    """Return the one number that an operation combines a value with."""
    others = [graph.constants.get(other) for other in node.inputs if other != name]
    return float(np.ravel(others[0])[0]) if len(others) == 1 and others[0] is not None and others[0].size == 1 else None


def _close(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) < 1e-5


def _silu(walk: Walk, users: Sequence[Node]) -> bool:
    """Add x · σ(x)."""
    gate = next((node for node in users if node.kind == "Sigmoid"), None)
    product = None if gate is None else _only(walk.graph, gate.outputs[0], "Mul")
    if gate is None or product is None or len(users) != 2 or product not in users:
        return False
    pointwise.activation(walk.stack, product.owner, "silu")
    walk.value = product.outputs[0]
    return True


def _gelu(walk: Walk, users: Sequence[Node]) -> bool:
    """Add x · ½ (1 + erf(x / √2)), with the half at either end."""
    graph, name = walk.graph, walk.value
    inner = next((node for node in users if _is_division(graph, node, name)), None)
    erf = None if inner is None else _only(graph, inner.outputs[0], "Erf")
    plus = None if erf is None else _only(graph, erf.outputs[0], "Add")
    product = None if plus is None else _only(graph, plus.outputs[0], "Mul")
    if erf is None or plus is None or product is None or len(users) != 2:
        return False
    if not _close(_constant(graph, plus, erf.outputs[0]), 1.0):
        return False
    other = next((other for other in product.inputs if other != plus.outputs[0]), "")
    if other == name:
        half = _only(graph, product.outputs[0], "Mul")
        if half is None or not _close(_constant(graph, half, product.outputs[0]), 0.5):
            return False
        walk.value = half.outputs[0]
    else:
        half = graph.maker(other)
        if half is None or half not in users or half.kind != "Mul" or not _close(_constant(graph, half, name), 0.5):
            return False
        walk.value = product.outputs[0]
    pointwise.activation(walk.stack, erf.owner, "gelu")
    return True


def _is_division(graph: Graph, node: Node, name: str) -> bool:
    number = _constant(graph, node, name)
    if node.kind == "Div":
        return node.inputs[0] == name and _close(number, np.sqrt(2))
    return node.kind == "Mul" and _close(number, np.sqrt(0.5))


def _residual(walk: Walk, users: Sequence[Node]) -> bool:
    """Add Conv, ReLU, Conv beside a shortcut of a convolution of 1×1 or of nothing, their sum and a ReLU."""
    graph, name = walk.graph, walk.value
    for first in users:
        bend = _only(graph, first.outputs[0], "Relu") if first.kind == "Conv" else None
        second = None if bend is None else _only(graph, bend.outputs[0], "Conv")
        total = None if second is None else _only(graph, second.outputs[0], "Add")
        last = None if total is None else _only(graph, total.outputs[0], "Relu")
        if second is None or total is None or last is None:
            continue
        other = next((value for value in total.inputs if value != second.outputs[0]), "")
        side = graph.maker(other)
        direct = other == name
        if len(users) != 2 or not (direct or (side is not None and side.kind == "Conv" and side.inputs[0] == name)):
            continue
        stride = _stride(first)
        shortcut = None if direct or side is None else _filters(walk, side)
        blocks = [_filters(walk, first), _filters(walk, second)]
        shape = walk.stack.shape
        if not _fits(first, blocks[0], stride) or not _fits(second, blocks[1], 1) or not stride:
            continue
        plain = stride == 1 and len(shape) == 3 and shape[0] == blocks[0][0].shape[0]
        if plain is not direct or (shortcut and side is not None and not _fits(side, shortcut, stride)):
            continue
        linear.residual(walk.stack, last.owner, blocks[0], blocks[1], shortcut, stride)
        walk.value = last.outputs[0]
        return True
    return False


def _filters(walk: Walk, node: Node) -> Filters:
    return walk.weights(node, 1), walk.array(node, 2)


def _stride(node: Node) -> int:
    strides = node.settings.get("strides") or [1, 1]
    return strides[0] if isinstance(strides, list) and len(set(strides)) == 1 else 0


def _fits(node: Node, filters: Filters, stride: int) -> bool:
    """Say whether a convolution is one of our block's: square and odd, with half a kernel of zeros around."""
    kernel = filters[0]
    if kernel.ndim != 4 or kernel.shape[2] != kernel.shape[3] or not kernel.shape[2] % 2:
        return False
    half = kernel.shape[2] // 2
    settings = node.settings
    return (
        _stride(node) == stride
        and (settings.get("pads") or [0] * 4) == [half] * 4
        and (settings.get("dilations") or [1, 1]) == [1, 1]
        and settings.get("group", 1) == 1
        and settings.get("auto_pad", b"NOTSET") in (b"NOTSET", b"")
    )
