"""The layers of a Keras model as its configuration lists them, in the order in which a picture passes them.

Only names, numbers and texts of the JSON are read. What would be code there (Lambda layers, classes of somebody's own)
is named and refused. Formats: Keras 3, and Keras 2 with its older keys.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.exchange.foreign.network import LIMITS, ForeignError, Limits, shown

Record = Mapping[str, Any]
_MODELS = ("Sequential", "Functional", "Model")
MAX_NESTING = 8
MAX_LISTED = 1_000


@dataclass(frozen=True)
class KerasLayer:
    """One layer of a Keras model.

    Attributes:
        kind: The name of its class.
        name: Its own.
        config: Its settings.
        place: Where `model.weights.h5` keeps its weights: "layers/sequential/layers/conv2d_1".
        top: The name of the outermost layer that it lies in, its own as a rule: the group of a legacy file.
    """

    kind: str
    name: str
    config: Record
    place: str
    top: str

    @property
    def owner(self) -> str:
        """What sentences call it: its name and its class."""
        return f"{self.name} ({self.kind})"


@dataclass(frozen=True)
class KerasModel:
    """A model's name and its layers in order, nested models taken apart."""

    name: str
    layers: tuple[KerasLayer, ...]


def parse(text: str, limits: Limits = LIMITS) -> KerasModel:
    """Read the configuration of a model.

    Raises:
        ForeignError: It is none, or its layers are no single chain.
    """
    if len(text) > limits.text:
        raise ForeignError("The description of the layers in the file is too long.")
    try:
        model = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ForeignError("The description of the layers in the file is no JSON: save the network again.") from error
    kind, config = _class_of(model)
    if kind not in _MODELS:
        raise ForeignError(f"The file holds a {shown(kind)}, and only Sequential and Functional models can be read.")
    layers = tuple(_layers(kind, config, "", "", 0))
    if not layers:
        raise ForeignError("The model in the file has no layers.")
    return KerasModel(str(_named(config).get("name", "")), layers)


def _class_of(record: object) -> tuple[str, Any]:
    if not isinstance(record, dict) or not isinstance(record.get("class_name"), str):
        raise ForeignError("The file does not describe its layers as Keras does: save the whole model again.")
    return record["class_name"], record.get("config")


def _named(config: object) -> Record:
    return config if isinstance(config, dict) else {}


def _layers(kind: str, config: object, place: str, top: str, depth: int) -> Iterator[KerasLayer]:
    """Yield the layers of a model in the order of the chain, those of models inside in their stead."""
    if depth > MAX_NESTING:
        raise ForeignError("Models lie in models too deeply.")
    listed = config if isinstance(config, list) else _named(config).get("layers")  # a list: Keras before 2.2.3
    if not isinstance(listed, list) or len(listed) > MAX_LISTED:
        raise ForeignError("The file does not list the layers of its model.")
    counts: dict[str, int] = {}
    layers: dict[str, tuple[str, Any, str, Any]] = {}
    for record in listed:
        inner, settings = _class_of(record)
        stem = _snake(inner)
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        name = str(record.get("name") or _named(settings).get("name") or f"{stem}_{number}")
        if name in layers:
            raise ForeignError(f"Two layers of the model are called {shown(name)}.")
        where = f"{place}layers/{stem}{f'_{number}' if number else ''}"
        layers[name] = inner, settings, where, record
    names = list(layers) if kind == "Sequential" else list(_chain(layers, _named(config)))
    for name in names:
        inner, settings, where, _ = layers[name]
        outer = top or name
        if inner in _MODELS:
            yield from _layers(inner, settings, f"{where}/", outer, depth + 1)
        else:
            yield KerasLayer(inner, name, _named(settings), where, outer)


def _chain(layers: Mapping[str, tuple[str, Any, str, Any]], config: Record) -> Iterator[str]:
    """Yield the layers from the input to the output of a functional model; raises where they branch."""
    ends = _references(config.get("output_layers"))
    if len(ends) != 1:
        raise ForeignError(f"The model gives {len(ends)} answers, and networks here give one.")
    backwards, name = list[str](), ends[0]
    while True:
        if name not in layers or name in backwards:
            raise ForeignError("The layers of the model do not form a chain from its input to its output.")
        backwards.append(name)
        kind, _, _, record = layers[name]
        nodes = record.get("inbound_nodes")
        before = _references(nodes[0]) if isinstance(nodes, list) and nodes else []
        if isinstance(nodes, list) and len(nodes) > 1:
            raise ForeignError(f"The layer {shown(name)} is used more than once, which no layer here is.")
        if not before:
            break
        if len(before) > 1:
            raise ForeignError(
                f"The layer {shown(name)} ({shown(kind)}) joins {len(before)} branches: networks here are one chain."
            )
        name = before[0]
    yield from reversed(backwards)


def _references(value: object) -> list[str]:
    """Return the names of the layers that a value refers to: Keras 3's tensors, or lists ["name", 0, 0] of either."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            value = _named(value.get("config")).get("keras_history")
        else:
            return [name for part in value.values() for name in _references(part)]
    if not isinstance(value, list):
        return []
    if value and isinstance(value[0], str) and all(type(number) is int for number in value[1:3]) and len(value) > 1:
        return [value[0]]
    return [name for part in value[:MAX_LISTED] for name in _references(part)]


def _snake(name: str) -> str:
    """Return what Keras makes of a class name where it files weights: "Conv2D" → "conv2d", "ReLU" → "re_lu"."""
    name = re.sub(r"\W+", "", name[:100])
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
