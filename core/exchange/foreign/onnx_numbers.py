"""Operations of ONNX on single numbers, channels and vectors: sums, norms, activations and dense layers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.exchange.foreign import linear, pointwise
from core.exchange.foreign.network import ForeignError, shown
from core.exchange.foreign.onnx_graph import Node
from core.exchange.foreign.onnx_walk import Walk


def batch_norm(walk: Walk, node: Node) -> None:
    if node.settings.get("training_mode", 0) or any(node.outputs[1:]):
        raise ForeignError(
            f"The batch norm {shown(node.owner)} was exported in training mode: export it in evaluation mode."
        )
    scale, offset, mean, var = (walk.weights(node, place) for place in (1, 2, 3, 4))
    pointwise.batch_norm(walk.stack, node.owner, scale, offset, mean, var, float(node.settings.get("epsilon", 1e-5)))


def gemm(walk: Walk, node: Node) -> None:
    if node.settings.get("transA", 0):
        raise ForeignError(
            f"The operation {shown(node.owner)} turns the numbers about, which no dense layer here does."
        )
    weight, bias = walk.weights(node, 1), walk.array(node, 2)
    weight = weight if node.settings.get("transB", 0) else weight.T
    bias = None if bias is None else np.broadcast_to(bias.ravel(), weight.shape[:1]) if bias.size == 1 else bias.ravel()
    alpha, beta = float(node.settings.get("alpha", 1.0)), float(node.settings.get("beta", 1.0))
    linear.dense(
        walk.stack,
        node.owner,
        np.ascontiguousarray(weight * np.float32(alpha)),
        bias if bias is None else bias * np.float32(beta),
    )


def matmul(walk: Walk, node: Node) -> None:
    weight, bias = walk.weights(node, 1), None
    if weight.ndim != 2 or len(walk.stack.shape) != 1:
        raise ForeignError(f"The product {shown(node.owner)} is none of a vector with a table.")
    following = walk.follow("Add")
    if following is not None:
        other = following.inputs[1] if following.inputs[0] == walk.value else following.inputs[0]
        addend = walk.graph.constants.get(other)
        if addend is not None and addend.size == weight.shape[1]:
            bias = np.asarray(addend, np.float32).ravel()
            walk.value = following.outputs[0]
    linear.dense(walk.stack, node.owner, np.ascontiguousarray(weight.T), bias)


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


def arithmetic(walk: Walk, node: Node) -> None:
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
    pointwise.affine(walk.stack, node.owner, factor, offset)


def activation(function: str) -> Callable[[Walk, Node], None]:
    return lambda walk, node: pointwise.activation(walk.stack, node.owner, function)


def leaky_relu(walk: Walk, node: Node) -> None:
    pointwise.activation(walk.stack, node.owner, "leaky_relu", float(node.settings.get("alpha", 0.01)))


def gelu(walk: Walk, node: Node) -> None:
    if node.settings.get("approximate", b"none") != b"none":
        raise ForeignError(f"The operation {shown(node.owner)} is an approximate GELU, and ours is the exact one.")
    pointwise.activation(walk.stack, node.owner, "gelu")


def clip(walk: Walk, node: Node) -> None:
    low, high = node.settings.get("min"), node.settings.get("max")
    low = walk.graph.array(node, 1) if len(node.inputs) > 1 else low
    high = walk.graph.array(node, 2) if len(node.inputs) > 2 else high
    top = np.inf if high is None else float(np.ravel(high)[0])
    if low is None or float(np.ravel(low)[0]) != 0 or top < 1e30:
        raise ForeignError(
            f"The operation {shown(node.owner)} cuts numbers off at both ends (ReLU6?), which none here does."
        )
    pointwise.activation(walk.stack, node.owner, "relu")


def dropout(walk: Walk, node: Node) -> None:
    ratio = walk.graph.array(node, 1) if len(node.inputs) > 1 else node.settings.get("ratio", 0.5)
    if len(node.inputs) > 2 and np.any(walk.graph.array(node, 2)):
        raise ForeignError(
            f"The dropout {shown(node.owner)} was exported in training mode: export it in evaluation mode."
        )
    pointwise.dropout(walk.stack, node.owner, 0.5 if ratio is None else float(np.ravel(ratio)[0]))


def softmax(walk: Walk, node: Node) -> None:
    if node.settings.get("axis", -1) not in (-1, 1, 3 if walk.channels_last else 1):
        raise ForeignError(
            f"The operation {shown(node.owner)} is a softmax along another axis than that of the classes."
        )
    pointwise.softmax(walk.stack, node.owner)
