"""The graph of an ONNX file: its nodes, constants and notes, parsed and never executed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.exchange.foreign.network import LIMITS, MB, ForeignError, Limits, shown
from core.extras import extra

_DAMAGED = "The file is no ONNX model, or it is damaged: export the network again."
MAX_NODES = 5_000
PLAIN = ("", "ai.onnx")  # the domains of ONNX itself


@dataclass(frozen=True, eq=False)
class Node:
    """An operation: its kind, what goes in and comes out by name, and its settings."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def owner(self) -> str:
        """What sentences call it."""
        return f"{self.name or self.outputs[0]} ({self.kind})"


@dataclass(frozen=True, eq=False)
class Graph:
    """What an ONNX file holds.

    Attributes:
        name: That of the graph.
        input: The name of the picture that goes in.
        input_shape: Its sizes without that of the batch; None for one that is not fixed.
        output: The name of what comes out.
        nodes: The operations, constants left out.
        constants: All numbers that are known beforehand, by name.
        notes: The file's metadata.
    """

    name: str
    input: str
    input_shape: tuple[int | None, ...]
    output: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, Any]
    notes: Mapping[str, str]

    def users(self, name: str) -> list[Node]:
        """Return the operations that take a value, but for those that only ask for its shape."""
        return [node for node in self.nodes if name in node.inputs and node.kind != "Shape"]

    def maker(self, name: str) -> Node | None:
        """Return the operation that a value comes from."""
        return next((node for node in self.nodes if name in node.outputs), None)

    def array(self, node: Node, place: int) -> Any | None:
        """Return a constant that goes into an operation; None if nothing does.

        Raises:
            ForeignError: It is no constant.
        """
        name = node.inputs[place] if place < len(node.inputs) else ""
        if not name:
            return None
        if name not in self.constants:
            raise ForeignError(
                f"The weights of {shown(node.owner)} are calculated, and here they have to be constants."
            )
        return self.constants[name]


def parse(data: bytes, limits: Limits = LIMITS) -> Graph:
    """Read an ONNX file.

    Raises:
        ForeignError: It is none, damaged, too large, keeps its weights elsewhere, or has not one input and one output.
        MissingPackageError: onnx is not installed.
    """
    if len(data) > limits.file:
        raise ForeignError(f"The file has {len(data) / MB:,.0f} MB, and the limit is {limits.file / MB:,.0f} MB.")
    with extra("onnx"):
        import onnx
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # the parser has exceptions of its own package
        raise ForeignError(_DAMAGED) from error
    graph = model.graph
    if not graph.node or not graph.input or not graph.output:
        raise ForeignError(_DAMAGED)
    if len(graph.node) > MAX_NODES or len(graph.initializer) > limits.arrays:
        raise ForeignError("The graph has far more operations than any network here.")
    constants = {tensor.name: _array(tensor) for tensor in graph.initializer}
    if graph.sparse_initializer:
        raise ForeignError("The file keeps sparse weights, which are not read.")
    nodes = []
    for each in graph.node:
        if each.domain not in PLAIN:
            raise ForeignError(
                f"The operation {shown(each.op_type)} is no part of ONNX itself but of {shown(each.domain)}."
            )
        settings = {setting.name: _setting(setting) for setting in each.attribute}
        if not each.output or not all(each.output[:1]) or (not each.input and each.op_type != "Constant"):
            raise ForeignError(_DAMAGED)
        if each.op_type == "Constant":
            constants[each.output[0]] = _constant(settings)
        elif each.op_type == "Identity" and each.input[0] in constants:
            constants[each.output[0]] = constants[each.input[0]]
        else:
            nodes.append(Node(each.op_type, each.name, tuple(each.input), tuple(each.output), settings))
    inputs = [put for put in graph.input if put.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ForeignError(
            f"The network has {len(inputs)} inputs and {len(graph.output)} outputs, and one here has one of each."
        )
    sizes = [size.dim_value or None for size in inputs[0].type.tensor_type.shape.dim]
    notes = {note.key: note.value for note in model.metadata_props if len(note.value) <= limits.text}
    return Graph(graph.name, inputs[0].name, tuple(sizes[1:]), graph.output[0].name, tuple(nodes), constants, notes)


def class_names(graph: Graph) -> tuple[str, ...]:
    """Return the names of classes from the notes, where they are a list of texts there, as in files of ConvScope."""
    try:
        names = json.loads(graph.notes.get("classes", "[]"))
    except (ValueError, RecursionError):
        return ()
    fine = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    return tuple(names) if fine else ()


def _array(tensor: Any) -> Any:
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ForeignError(
            "The file keeps its weights in another file, which is not opened: export it as one file, "
            'for instance by onnx.save(model, "model.onnx", save_as_external_data=False).'
        )
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, AttributeError, MemoryError, OverflowError, RuntimeError) as error:
        raise ForeignError(f"The weights {shown(tensor.name)} are damaged or of a kind that is not read.") from error


def _setting(setting: Any) -> Any:
    from onnx import AttributeProto, helper

    if setting.type == AttributeProto.TENSOR:
        return _array(setting.t)
    if setting.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        return None
    try:
        return helper.get_attribute_value(setting)
    except (ValueError, TypeError) as error:
        raise ForeignError(_DAMAGED) from error


def _constant(settings: Mapping[str, Any]) -> Any:
    for value in settings.values():
        if value is not None and not isinstance(value, bytes):
            try:
                return np.asarray(value)
            except (ValueError, TypeError) as error:
                raise ForeignError(_DAMAGED) from error
    raise ForeignError("The file holds a constant that is no number.")
