"""What each operation of ONNX becomes here: a table of functions that add it to a walk's `Stack`, by its kind."""

from collections.abc import Callable

import numpy as np

from core.exchange.foreign import onnx_numbers, onnx_windows, pointwise
from core.exchange.foreign.network import ForeignError, shown
from core.exchange.foreign.onnx_graph import Node
from core.exchange.foreign.onnx_walk import Walk

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # transposes between channels last and channels first


def add_operation(walk: Walk, node: Node) -> None:
    """Add an operation that takes the value; raises `ForeignError` where there is nothing here like it."""
    add = ONNX_LAYERS.get(node.kind)
    if add is None:
        raise ForeignError(f"The operation {shown(node.owner)} is none that a network here has.")
    if walk.channels_last and len(walk.stack.shape) == 3 and node.kind in _CHANNELS_FIRST:
        raise ForeignError(f"The operation {shown(node.owner)} works along other axes than those of the maps.")
    if node.inputs[0] != walk.value and node.kind not in _EITHER:
        raise ForeignError(f"The operation {shown(node.owner)} takes the maps where its weights should be.")
    walk.value = node.outputs[0]
    add(walk, node)  # which may go on to a further one


def _flatten(walk: Walk, node: Node) -> None:
    if node.settings.get("axis", 1) != 1:
        raise ForeignError(f"The operation {shown(node.owner)} flattens along another axis.")
    pointwise.flatten(walk.stack, node.owner, channels_last=walk.channels_last)
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
    pointwise.flatten(walk.stack, node.owner, channels_last=walk.channels_last)
    walk.channels_last = False


def _squeeze(walk: Walk, node: Node) -> None:
    if len(walk.stack.shape) == 3:
        if walk.stack.shape[1:] != (1, 1):
            raise ForeignError(f"The operation {shown(node.owner)} leaves axes out that maps need.")
        pointwise.flatten(walk.stack, node.owner, channels_last=False)
    walk.channels_last = False


def _transpose(walk: Walk, node: Node) -> None:
    order = node.settings.get("perm")
    if len(walk.stack.shape) == 1:  # after a global pooling: 1×1 maps can stand as they like
        return
    if order == (TO_FIRST if walk.channels_last else TO_LAST):
        walk.channels_last = not walk.channels_last
    elif order != [0, 1, 2, 3]:
        raise ForeignError(f"The operation {shown(node.owner)} turns the maps about.")


def _pass_over(walk: Walk, node: Node) -> None:
    """Leave out what changes no number."""


_EITHER = ("Add", "Mul", "Sub", "Div")  # whose constant may stand first
_CHANNELS_FIRST = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization")
ONNX_LAYERS: dict[str, Callable[[Walk, Node], None]] = {
    "Conv": onnx_windows.conv,
    "MaxPool": onnx_windows.max_pool,
    "AveragePool": onnx_windows.avg_pool,
    "GlobalAveragePool": onnx_windows.global_avg,
    "GlobalMaxPool": onnx_windows.global_max,
    "ReduceMean": onnx_windows.reduce_mean,
    "BatchNormalization": onnx_numbers.batch_norm,
    "Gemm": onnx_numbers.gemm,
    "MatMul": onnx_numbers.matmul,
    **dict.fromkeys(_EITHER, onnx_numbers.arithmetic),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Pad": onnx_windows.pad,
    "Relu": onnx_numbers.activation("relu"),
    "Sigmoid": onnx_numbers.activation("sigmoid"),
    "Tanh": onnx_numbers.activation("tanh"),
    "LeakyRelu": onnx_numbers.leaky_relu,
    "Gelu": onnx_numbers.gelu,
    "Clip": onnx_numbers.clip,
    "Dropout": onnx_numbers.dropout,
    "Softmax": onnx_numbers.softmax,
    "LogSoftmax": onnx_numbers.softmax,
    "Identity": _pass_over,
    "Cast": _pass_over,
}
