"""What each operation of ONNX becomes here: a table of functions that add it to a `Stack`, by its kind."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.exchange.foreign.network import Array, ForeignError, shown
from core.exchange.foreign.onnx_graph import Graph, Node
from core.exchange.foreign.stack import Pads, Stack

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # transposes between channels last and channels first


class Walk:
    """The way through a graph: the stack so far, and the value that the next operation takes.

    Attributes:
        graph: The graph.
        stack: Its layers so far.
        value: The name of the value that stands at the end of them.
        channels_last: Whether that value has its channels last.
    """

    def __init__(self, graph: Graph, stack: Stack, *, channels_last: bool) -> None:
        self.graph, self.stack, self.channels_last = graph, stack, channels_last
        self.value = graph.input

    def add(self, node: Node) -> None:
        """Add an operation that takes the value; raises `ForeignError` where there is nothing here like it."""
        add = ONNX_LAYERS.get(node.kind)
        if add is None:
            raise ForeignError(f"The operation {shown(node.owner)} is none that a network here has.")
        if self.channels_last and len(self.stack.shape) == 3 and node.kind in _CHANNELS_FIRST:
            raise ForeignError(f"The operation {shown(node.owner)} works along other axes than those of the maps.")
        if node.inputs[0] != self.value and node.kind not in _EITHER:
            raise ForeignError(f"The operation {shown(node.owner)} takes the maps where its weights should be.")
        self.value = node.outputs[0]
        add(self, node)  # which may go on to a further one

    def follow(self, kind: str) -> Node | None:
        """Return the only operation that takes the value, if it is of this kind."""
        users = self.graph.users(self.value)
        return users[0] if len(users) == 1 and users[0].kind == kind and self.value != self.graph.output else None

    def array(self, node: Node, place: int) -> Array | None:
        """Return a constant of floating-point numbers that goes into an operation, float32; None if nothing does."""
        values = self.graph.array(node, place)
        if values is None:
            return None
        if values.dtype.kind != "f":
            raise ForeignError(f"The weights of {shown(node.owner)} are no floating-point numbers.")
        return np.asarray(values, np.float32)

    def weights(self, node: Node, place: int) -> Array:
        """Return a constant as `array` does; raises `ForeignError` where there is none."""
        values = self.array(node, place)
        if values is None:
            raise ForeignError(f"The operation {shown(node.owner)} has no weights.")
        return values


def _two(node: Node, name: str, default: int = 1) -> tuple[int, int]:
    values = node.settings.get(name) or [default, default]
    if (
        not isinstance(values, list)
        or len(values) != 2
        or not all(type(value) is int and value > 0 for value in values)
    ):
        raise ForeignError(f"The {name} of {shown(node.owner)} are not two whole numbers: it works on no maps.")
    return values[0], values[1]


def _pads(walk: Walk, node: Node, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Pads:
    automatic = node.settings.get("auto_pad", b"NOTSET")
    if automatic in (b"NOTSET", b""):
        pads = node.settings.get("pads") or [0, 0, 0, 0]
        if (
            not isinstance(pads, list)
            or len(pads) != 4
            or not all(type(pad) is int and 0 <= pad <= 4096 for pad in pads)
        ):
            raise ForeignError(f"The border of {shown(node.owner)} is not four whole numbers.")
        return pads[0], pads[1], pads[2], pads[3]
    if automatic == b"VALID":
        return 0, 0, 0, 0
    totals = [
        max((-(-size // step) - 1) * step + gap * (side - 1) + 1 - size, 0)
        for size, side, step, gap in zip(walk.stack.shape[1:], kernel, stride, dilation, strict=False)
    ]
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    before, after = (small, large) if automatic == b"SAME_UPPER" else (large, small)
    if len(totals) != 2:
        raise ForeignError(f"The operation {shown(node.owner)} needs maps.")
    return before[0], before[1], after[0], after[1]


def _conv(walk: Walk, node: Node) -> None:
    kernel, bias = walk.weights(node, 1), walk.array(node, 2)
    if kernel.ndim != 4:
        raise ForeignError(f"The weights of {shown(node.owner)} are no filters of two dimensions.")
    stride, dilation, groups = _two(node, "strides"), _two(node, "dilations"), node.settings.get("group", 1)
    if type(groups) is not int or groups < 1:
        raise ForeignError(f"The groups of {shown(node.owner)} are no whole number.")
    pads = _pads(walk, node, (kernel.shape[2], kernel.shape[3]), stride, dilation)
    walk.stack.conv(node.owner, kernel, bias, stride, pads, dilation, groups)


def _window(walk: Walk, node: Node) -> tuple[tuple[int, int], tuple[int, int], Pads]:
    kernel, stride = _two(node, "kernel_shape"), _two(node, "strides")
    if _two(node, "dilations") != (1, 1) or any(node.outputs[1:]):
        raise ForeignError(f"The pooling {shown(node.owner)} has gaps or a second output, which none here has.")
    pads = _pads(walk, node, kernel, stride, (1, 1))
    if node.settings.get("ceil_mode", 0):
        rests = [
            (size + pads[place] + pads[place + 2] - kernel[place]) % stride[place]
            for place, size in enumerate(walk.stack.shape[1:])
        ]
        if any(rests):
            raise ForeignError(
                f"The pooling {shown(node.owner)} looks beyond the edge of the maps, which none here does."
            )
    return kernel, stride, pads


def _max_pool(walk: Walk, node: Node) -> None:
    walk.stack.max_pool(node.owner, *_window(walk, node))


def _avg_pool(walk: Walk, node: Node) -> None:
    border_counts = bool(node.settings.get("count_include_pad", 0))
    walk.stack.avg_pool(node.owner, *_window(walk, node), border_counts=border_counts)


def _whole_numbers(walk: Walk, node: Node) -> list[int]:
    """Return the whole numbers that newer versions of an operation take as their second input."""
    values = walk.graph.array(node, 1)
    if values is None:
        return []
    if values.dtype.kind not in "iu" or values.size > 16:
        raise ForeignError(f"The settings of {shown(node.owner)} are no whole numbers.")
    return [int(value) for value in np.ravel(values)]


def _global_avg(walk: Walk, node: Node) -> None:
    walk.stack.global_avg_pool(node.owner)


def _reduce_mean(walk: Walk, node: Node) -> None:
    given = node.settings.get("axes") or _whole_numbers(walk, node)
    axes = sorted(axis % 4 for axis in given)
    if len(walk.stack.shape) != 3 or axes != ([1, 2] if walk.channels_last else [2, 3]):
        raise ForeignError(f"The operation {shown(node.owner)} averages along other axes than those of the maps.")
    walk.stack.global_avg_pool(node.owner)
    walk.channels_last = False


def _global_max(walk: Walk, node: Node) -> None:
    walk.stack.global_max_pool(node.owner)


def _batch_norm(walk: Walk, node: Node) -> None:
    if node.settings.get("training_mode", 0) or any(node.outputs[1:]):
        raise ForeignError(
            f"The batch norm {shown(node.owner)} was exported in training mode: export it in evaluation mode."
        )
    scale, offset, mean, var = (walk.weights(node, place) for place in (1, 2, 3, 4))
    walk.stack.batch_norm(node.owner, scale, offset, mean, var, float(node.settings.get("epsilon", 1e-5)))


def _gemm(walk: Walk, node: Node) -> None:
    if node.settings.get("transA", 0):
        raise ForeignError(
            f"The operation {shown(node.owner)} turns the numbers about, which no dense layer here does."
        )
    weight, bias = walk.weights(node, 1), walk.array(node, 2)
    weight = weight if node.settings.get("transB", 0) else weight.T
    bias = None if bias is None else np.broadcast_to(bias.ravel(), weight.shape[:1]) if bias.size == 1 else bias.ravel()
    alpha, beta = float(node.settings.get("alpha", 1.0)), float(node.settings.get("beta", 1.0))
    walk.stack.dense(
        node.owner, np.ascontiguousarray(weight * np.float32(alpha)), bias if bias is None else bias * np.float32(beta)
    )


def _matmul(walk: Walk, node: Node) -> None:
    weight, bias = walk.weights(node, 1), None
    if weight.ndim != 2 or len(walk.stack.shape) != 1:
        raise ForeignError(f"The product {shown(node.owner)} is none of a vector with a table.")
    following = walk.follow("Add")
    if following is not None:
        other = following.inputs[1] if following.inputs[0] == walk.value else following.inputs[0]
        found = walk.graph.constants.get(other)
        if found is not None and found.size == weight.shape[1]:
            bias = np.asarray(found, np.float32).ravel()
            walk.value = following.outputs[0]
    walk.stack.dense(node.owner, np.ascontiguousarray(weight.T), bias)


def _by_channel(walk: Walk, node: Node, values: Any) -> Any:
    """Return a constant beside the maps as one number, or one for each channel."""
    numbers = np.asarray(values, np.float64)
    shape = walk.stack.shape
    if numbers.size == 1:
        return numbers.reshape(())
    wanted = (1, shape[0]) if len(shape) == 1 else (1, 1, 1, shape[0]) if walk.channels_last else (1, shape[0], 1, 1)
    if numbers.ndim > len(wanted) or (1,) * (len(wanted) - numbers.ndim) + numbers.shape != wanted:
        raise ForeignError(f"The operation {shown(node.owner)} has other numbers than one for each channel.")
    return numbers.ravel()


def _arithmetic(walk: Walk, node: Node) -> None:
    first = node.inputs[1] in walk.graph.constants
    constant = walk.graph.constants.get(node.inputs[1 if first else 0])
    if constant is None:
        raise ForeignError(f"The operation {shown(node.owner)} joins two branches, and networks here are one chain.")
    numbers = _by_channel(walk, node, constant)
    if node.kind == "Add":
        factor, offset = 1.0, numbers
    elif node.kind == "Sub":
        factor, offset = (1.0, -numbers) if first else (-1.0, numbers)
    elif node.kind == "Mul":
        factor, offset = numbers, 0.0
    elif first and np.all(numbers != 0):
        factor, offset = 1 / numbers, 0.0
    else:
        raise ForeignError(
            f"The operation {shown(node.owner)} divides by the maps or by zero, which no layer here does."
        )
    walk.stack.affine(node.owner, factor, offset)


def _flatten(walk: Walk, node: Node) -> None:
    if node.settings.get("axis", 1) != 1:
        raise ForeignError(f"The operation {shown(node.owner)} flattens along another axis.")
    walk.stack.flatten(node.owner, channels_last=walk.channels_last)
    walk.channels_last = False


def _reshape(walk: Walk, node: Node) -> None:
    total, name = int(np.prod(walk.stack.shape)), node.inputs[1] if len(node.inputs) > 1 else ""
    target = walk.graph.constants.get(name)
    if target is None and (maker := walk.graph.maker(name)) and maker.kind == "Concat" and len(maker.inputs) == 2:
        end = walk.graph.constants.get(maker.inputs[1])  # torch's x.view(x.size(0), -1)
        target = None if end is None or end.size != 1 else np.append(-2, end)
    sizes = [] if target is None else np.ravel(target).tolist()
    if len(sizes) != 2 or sizes[1] not in (-1, total):
        raise ForeignError(f"The operation {shown(node.owner)} arranges numbers anew, which no layer here does.")
    walk.stack.flatten(node.owner, channels_last=walk.channels_last)
    walk.channels_last = False


def _squeeze(walk: Walk, node: Node) -> None:
    if len(walk.stack.shape) == 3:
        if walk.stack.shape[1:] != (1, 1):
            raise ForeignError(f"The operation {shown(node.owner)} leaves axes out that maps need.")
        walk.stack.flatten(node.owner, channels_last=False)
    walk.channels_last = False


def _transpose(walk: Walk, node: Node) -> None:
    order = node.settings.get("perm")
    if len(walk.stack.shape) == 1:  # after a global pooling: 1×1 maps can stand as they like
        return
    if order == (TO_FIRST if walk.channels_last else TO_LAST):
        walk.channels_last = not walk.channels_last
    elif order != [0, 1, 2, 3]:
        raise ForeignError(f"The operation {shown(node.owner)} turns the maps about.")


def _pad(walk: Walk, node: Node) -> None:
    given = node.settings.get("pads") or _whole_numbers(walk, node)
    value = walk.graph.array(node, 2) if len(node.inputs) > 2 else node.settings.get("value", 0)
    plain = node.settings.get("mode", b"constant") == b"constant" and (value is None or not np.any(value))
    if not plain or len(given) != 8 or (len(node.inputs) > 3 and node.inputs[3]):
        raise ForeignError(f"The border of {shown(node.owner)} is none of zeros around maps.")
    high, wide = (1, 2) if walk.channels_last else (2, 3)
    others = [given[place] for place in range(8) if place % 4 not in (high, wide)]
    if any(others):
        raise ForeignError(f"The operation {shown(node.owner)} adds channels of zeros.")
    walk.stack.pad(node.owner, (given[high], given[wide], given[high + 4], given[wide + 4]))


def _activation(function: str) -> "Callable[[Walk, Node], None]":
    return lambda walk, node: walk.stack.activation(node.owner, function)


def _leaky_relu(walk: Walk, node: Node) -> None:
    walk.stack.activation(node.owner, "leaky_relu", float(node.settings.get("alpha", 0.01)))


def _gelu(walk: Walk, node: Node) -> None:
    if node.settings.get("approximate", b"none") != b"none":
        raise ForeignError(f"The operation {shown(node.owner)} is an approximate GELU, and ours is the exact one.")
    walk.stack.activation(node.owner, "gelu")


def _clip(walk: Walk, node: Node) -> None:
    low, high = node.settings.get("min"), node.settings.get("max")
    low = walk.graph.array(node, 1) if len(node.inputs) > 1 else low
    high = walk.graph.array(node, 2) if len(node.inputs) > 2 else high
    top = np.inf if high is None else float(np.ravel(high)[0])
    if low is None or float(np.ravel(low)[0]) != 0 or top < 1e30:
        raise ForeignError(
            f"The operation {shown(node.owner)} cuts numbers off at both ends (ReLU6?), which none here does."
        )
    walk.stack.activation(node.owner, "relu")


def _dropout(walk: Walk, node: Node) -> None:
    ratio = walk.graph.array(node, 1) if len(node.inputs) > 1 else node.settings.get("ratio", 0.5)
    if len(node.inputs) > 2 and np.any(walk.graph.array(node, 2)):
        raise ForeignError(
            f"The dropout {shown(node.owner)} was exported in training mode: export it in evaluation mode."
        )
    walk.stack.dropout(node.owner, 0.5 if ratio is None else float(np.ravel(ratio)[0]))


def _softmax(walk: Walk, node: Node) -> None:
    if node.settings.get("axis", -1) not in (-1, 1, 3 if walk.channels_last else 1):
        raise ForeignError(
            f"The operation {shown(node.owner)} is a softmax along another axis than that of the classes."
        )
    walk.stack.softmax(node.owner)


def _pass_over(walk: Walk, node: Node) -> None:
    """Leave out what changes no number."""


_EITHER = ("Add", "Mul", "Sub", "Div")  # whose constant may stand first
_CHANNELS_FIRST = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization")
ONNX_LAYERS: dict[str, Callable[[Walk, Node], None]] = {
    "Conv": _conv,
    "MaxPool": _max_pool,
    "AveragePool": _avg_pool,
    "GlobalAveragePool": _global_avg,
    "GlobalMaxPool": _global_max,
    "ReduceMean": _reduce_mean,
    "BatchNormalization": _batch_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
    **dict.fromkeys(_EITHER, _arithmetic),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Pad": _pad,
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "LeakyRelu": _leaky_relu,
    "Gelu": _gelu,
    "Clip": _clip,
    "Dropout": _dropout,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Identity": _pass_over,
    "Cast": _pass_over,
}
