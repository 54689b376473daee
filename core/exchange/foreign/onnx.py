"""ONNX files whose graph is a chain of our layers: parsed as protocol buffers, never executed."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.exchange.foreign import ending, pointwise
from core.exchange.foreign.network import LIMITS, ForeignError, ForeignNetwork, Limits, PixelScale, shown
from core.exchange.foreign.onnx_blocks import add_block
from core.exchange.foreign.onnx_graph import Graph, class_names, parse
from core.exchange.foreign.onnx_layers import TO_FIRST, add_operation
from core.exchange.foreign.onnx_walk import Walk
from core.exchange.foreign.stack import Stack

PROGRAM = "ONNX"
_OWN_SCALE = re.compile(r"^MEAN, STD = (\[[^\[\]\n]*\]), (\[[^\[\]\n]*\])$", re.M)  # in files of ConvScope


def read_onnx(data: bytes, limits: Limits = LIMITS) -> ForeignNetwork:
    """Read an ONNX file.

    Raises:
        ForeignError: It is none, or it is no chain of layers that we have.
        MissingPackageError: onnx is not installed.
    """
    graph = parse(data, limits)
    walk, passed = _begun(graph), set[str]()
    while walk.value != graph.output:
        if walk.value in passed:
            raise ForeignError("The graph leads back to where it came from, and networks here are one chain of layers.")
        passed.add(walk.value)
        users = graph.users(walk.value)
        if not users:
            raise ForeignError("The graph ends before its output is reached.")
        if len(users) == 1:
            add_operation(walk, users[0])
        else:
            add_block(walk, users)
    network = ending.finish(
        walk.stack, graph.name if graph.name not in ("main_graph", "torch_jit") else "", class_names(graph)
    )
    return network if network.scale else _with_own_scale(network, graph)


def _begun(graph: Graph) -> Walk:
    sizes = [size for size in graph.input_shape if size is not None]
    if len(sizes) != len(graph.input_shape) or len(sizes) not in (1, 3):
        words = " × ".join("?" if size is None else str(size) for size in graph.input_shape)
        raise ForeignError(
            f"The network takes inputs of shape {shown(words) or 'unknown'}, and networks here pictures of one size: "
            "export it with a fixed height and width."
        )
    if len(sizes) == 1:
        side = int(np.sqrt(sizes[0]))
        if side * side != sizes[0]:
            raise ForeignError(f"The network takes {sizes[0]:,} numbers in a row, which are no square picture.")
        stack = Stack(PROGRAM, (1, side, side))
        stack.note(f"Its {sizes[0]:,} inputs in a row are read as a grey picture of {side}×{side}.")
        pointwise.flatten(stack, "input", channels_last=False)
        return Walk(graph, stack, channels_last=False)
    last = _channels_last(graph, sizes)
    shape = (sizes[2], sizes[0], sizes[1]) if last else (sizes[0], sizes[1], sizes[2])
    return Walk(graph, Stack(PROGRAM, shape), channels_last=last)


def _channels_last(graph: Graph, sizes: Sequence[int]) -> bool:
    """Say whether pictures go in with their channels last: as where they are turned about before the first layer."""
    users = graph.users(graph.input)
    for _ in graph.nodes:  # a damaged graph may lead in a circle
        if len(users) != 1 or users[0].kind not in ("Sub", "Add", "Mul", "Div", "Cast", "Identity"):
            break
        users = graph.users(users[0].outputs[0])
    if users and users[0].kind == "Transpose":
        return list(users[0].settings.get("perm") or []) == TO_FIRST
    return bool(users) and users[0].kind in ("Reshape", "Flatten") and sizes[2] in (1, 3) and sizes[0] not in (1, 3)


def _with_own_scale(network: ForeignNetwork, graph: Graph) -> ForeignNetwork:
    """Return a network that ConvScope exported with what its notes say of pixels."""
    stated = _OWN_SCALE.search(graph.notes.get("preprocessing.py", ""))
    if not stated:
        return network
    try:
        mean, std = (np.asarray(json.loads(part), np.float64) for part in stated.groups())
    except (ValueError, TypeError):
        return network
    channels = network.spec.input_shape[0]
    if mean.shape != (channels,) or std.shape != (channels,) or not np.all(std > 0):
        return network
    return replace(network, scale=PixelScale(tuple((1 / (255 * std)).tolist()), tuple((-mean / std).tolist())))
