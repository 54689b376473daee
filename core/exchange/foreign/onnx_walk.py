"""The way through a graph of ONNX, from its input to its output."""

import numpy as np

from core.exchange.foreign.network import Array, ForeignError, shown
from core.exchange.foreign.onnx_graph import Graph, Node
from core.exchange.foreign.stack import Stack


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

    def whole_numbers(self, node: Node) -> list[int]:
        """Return the whole numbers that newer versions of an operation take as their second input."""
        values = self.graph.array(node, 1)
        if values is None:
            return []
        if values.dtype.kind not in "iu" or values.size > 16:
            raise ForeignError(f"The settings of {shown(node.owner)} are no whole numbers.")
        return [int(value) for value in np.ravel(values)]
