"""A network as plain data: what it takes, what it tells apart and its stack of layers."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import SpecError
from core.model.layers import LAYERS, Activation, Layer
from core.options import options

MAX_LAYERS = 64
MAX_NAME = 80
MAX_TEXT = 100_000
CHANNELS = (1, 16)
SIDE = (1, 512)
CLASSES = (2, 1000)

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ModelSpec:
    """A network: its name, the images it takes, how many classes it tells apart, and its layers from first to last.

    Attributes:
        name: One line of 1 to 80 characters, for people.
        input_shape: (C, H, W) of an image; C from 1 to 16, H and W from 1 to 512 pixels.
        num_classes: Number of logits that the last layer has to give, 2 to 1,000.
        layers: At most 64 layers. That they fit together is asked of `core.model.shapes.problems`.

    Raises:
        SpecError: One of these has the wrong type or is out of its range.
    """

    name: str
    input_shape: tuple[int, int, int]
    num_classes: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not 0 < len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise SpecError(f"The network's name must be one line of 1 to {MAX_NAME} characters.")
        if not isinstance(self.input_shape, tuple) or len(self.input_shape) != 3:
            raise SpecError("The input shape must be three whole numbers: channels, height and width.")
        for label, size, (low, high) in zip(
            ("number of channels", "image height", "image width"),
            self.input_shape,
            (CHANNELS, SIDE, SIDE),
            strict=True,
        ):
            _check_count(label, size, low, high)
        _check_count("number of classes", self.num_classes, *CLASSES)
        if not isinstance(self.layers, tuple) or not all(type(layer) in LAYERS.values() for layer in self.layers):
            raise SpecError(f"The layers must be a tuple of these kinds: {', '.join(LAYERS)}.")
        if len(self.layers) > MAX_LAYERS:
            raise SpecError(f"The stack has {len(self.layers)} layers: remove some, at most {MAX_LAYERS} are allowed.")

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the built network's modules: "conv1", "bn1", "relu1", "pool1", "dense1", … counted by prefix."""
        counts: dict[str, int] = {}
        names = []
        for layer in self.layers:
            prefix = layer.function if isinstance(layer, Activation) else layer.prefix
            counts[prefix] = counts.get(prefix, 0) + 1
            names.append(f"{prefix}{counts[prefix]}")
        return tuple(names)

    def to_json(self) -> str:
        """Return the network as JSON, to be read back by `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelSpec":
        """Read what `to_json` wrote; settings that a layer does not mention take their defaults.

        Raises:
            SpecError: The text is not such a network, for whatever reason; nothing in it is ever executed.
        """
        record = _record(_parse(text), "The network")
        wanted = ("name", "input_shape", "num_classes", "layers")
        _check_keys("The network", record, required=wanted, known=wanted)
        if not isinstance(record["input_shape"], list) or not isinstance(record["layers"], list):
            raise SpecError("The network's input_shape and layers must be lists.")
        if len(record["layers"]) > MAX_LAYERS:
            raise SpecError(f"The stack has {len(record['layers'])} layers: at most {MAX_LAYERS} are allowed.")
        layers = tuple(_layer(item, number) for number, item in enumerate(record["layers"], start=1))
        shape: Any = tuple(record["input_shape"])
        return cls(name=record["name"], input_shape=shape, num_classes=record["num_classes"], layers=layers)


def _check_count(label: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise SpecError(f"The {label} must be a whole number from {low} to {high}, not {repr(value)[:40]}.")


def _parse(text: str) -> object:
    if not isinstance(text, str):
        raise SpecError("The network must be given as JSON text.")
    if len(text) > MAX_TEXT:
        raise SpecError(f"The network's text is too long: at most {MAX_TEXT:,} characters are read.")
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise SpecError("The network's text is not valid JSON: copy it again from where it was saved.") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise SpecError("The network's text gives the same field twice: keep one of the two.")
    return record


def _record(value: object, owner: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{owner} must be a JSON object with named fields.")
    return value


def _check_keys(owner: str, record: dict[str, Any], *, required: tuple[str, ...], known: tuple[str, ...]) -> None:
    for key in record:
        if key not in known:
            raise SpecError(f"{owner} has an unknown field {key[:40]!r}: its fields are {', '.join(known)}.")
    for key in required:
        if key not in record:
            raise SpecError(f"{owner} lacks the field {key!r}.")


def _layer(value: object, number: int) -> Layer:
    owner = f"Layer {number}"
    record = _record(value, owner)
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise SpecError(f"{owner} has an unknown kind {repr(kind)[:40]}: choose one of {', '.join(LAYERS)}.")
    names = tuple(option.name for option in options(LAYERS[kind]))
    _check_keys(owner, record, required=(), known=("kind", *names))
    try:
        return LAYERS[kind](**{name: record[name] for name in names if name in record})
    except SpecError as error:
        raise SpecError(f"{owner}: {error}") from error
