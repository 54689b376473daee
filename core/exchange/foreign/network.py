"""A network of another program, read from its file: its stack as a `ModelSpec`, its weights and its scale of pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConvScopeError
from core.model.spec import ModelSpec

MB = 1024**2
Array = NDArray[np.float32]


class ForeignError(ConvScopeError):
    """A file of another program cannot become a network here."""


@dataclass(frozen=True)
class Limits:
    """Size limits of a file of another program, far above the largest network that can be built here.

    Attributes:
        file: Bytes of the file itself.
        numbers: Bytes of all its weights.
        arrays: How many arrays and groups of arrays it may hold.
        text: Bytes of its description of the layers.
    """

    file: int = 512 * MB
    numbers: int = 512 * MB
    arrays: int = 5_000
    text: int = 16 * MB


LIMITS = Limits()


@dataclass(frozen=True)
class PixelScale:
    """What a network does to the values of a picture before its first layer: value × factor + offset, by channel."""

    factor: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ForeignNetwork:
    """A network that was read whole.

    Attributes:
        program: What wrote the file: "Keras", "ONNX", "safetensors"; said on the screen.
        spec: Its layers.
        weights: The entries of the `state_dict` of the network that `build_model(spec)` makes, float32 but for counts.
        origins: Of each layer of `spec`, what it was called in the file; empty where it was added.
        notes: What was changed on the way, a sentence each.
        scale: How it scales pictures itself, if it does; that is no part of `spec`.
        class_names: Names of its classes where the file has them, else empty.
    """

    program: str
    spec: ModelSpec
    weights: Mapping[str, NDArray[Any]]
    origins: tuple[str, ...]
    notes: tuple[str, ...] = ()
    scale: PixelScale | None = None
    class_names: tuple[str, ...] = ()


def shown(name: object) -> str:
    """Return what a file calls something as one short line that can stand in a sentence."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    return " ".join(text.split())[:60]
