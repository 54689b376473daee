"""Settings of Keras' layers as Python's values; what is none of the expected kind raises `ForeignError`."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from core.exchange.foreign.keras_config import KerasLayer
from core.exchange.foreign.network import ForeignError, shown


def flag(layer: KerasLayer, name: str, default: bool = True) -> bool:
    """Return a setting that is on or off."""
    value = layer.config.get(name, default)
    return default if value is None else bool(value)


def number(layer: KerasLayer, name: str, default: float) -> float:
    """Return a setting that is a finite number."""
    value = layer.config.get(name, default)
    if type(value) not in (int, float) or not isfinite(value):
        raise ForeignError(f"The {name} of the layer {shown(layer.owner)} is no number.")
    return float(value)


def two_numbers(layer: KerasLayer, name: str, default: Any = 1) -> tuple[int, int]:
    """Return a setting that is one whole number or two as (height, width)."""
    value = layer.config.get(name)
    return pair(default if value is None else value, layer.owner, name)


def values(layer: KerasLayer, name: str, default: float) -> Any:
    """Return a number or a list of numbers, by channel; Keras 3 wraps lists of a layer's settings as arrays."""
    value = layer.config.get(name, default)
    while isinstance(value, Mapping):
        value = value.get("config", value.get("value"))
    try:
        return np.asarray(default if value is None else value, np.float64).squeeze()
    except (TypeError, ValueError) as error:
        raise ForeignError(f"The {name} of the layer {shown(layer.owner)} is no number.") from error


def pair(value: Any, owner: str, what: str) -> tuple[int, int]:
    """Return what is one whole number or two as (height, width)."""
    values = [value, value] if type(value) is int else value
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise ForeignError(f"The {what} of the layer {shown(owner)} is not two whole numbers.")
    one, two = values
    if type(one) is not int or type(two) is not int or not (0 <= one <= 4096 and 0 <= two <= 4096):
        raise ForeignError(f"The {what} of the layer {shown(owner)} is not two whole numbers.")
    return one, two
