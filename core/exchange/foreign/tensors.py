"""Weights without a description of their layers: safetensors files, and Keras files that hold weights alone."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import SpecError
from core.exchange.foreign.hdf5 import Hdf5Content
from core.exchange.foreign.network import LIMITS, MB, Array, ForeignError, Limits, shown
from core.exchange.layout import OWN
from core.model.spec import ModelSpec

_KERAS_EPS = 1e-3  # of its batch norm, unless somebody chose another
_NORM = ("weight", "bias", "running_mean", "running_var")
_AGAIN = "save the weights again."


@dataclass(frozen=True, eq=False)
class ForeignWeights:
    """Weights by the layer that they belong to, in the axes of torch.

    Attributes:
        program: What wrote the file.
        groups: Of each layer, by its name in the file, its arrays by the ending that torch gives them: "weight",
            "bias", "running_mean", "running_var".
        channels_last: Whether the file's program flattens maps with their channels last.
        eps: What batch norms there add to variances, where it is not ours.
        spec: The stack that they belong to, where the file says so.
        class_names: Names of the classes where the file has them.
    """

    program: str
    groups: Mapping[str, Mapping[str, Array]]
    channels_last: bool = False
    eps: float | None = None
    spec: ModelSpec | None = None
    class_names: tuple[str, ...] = ()


def read_safetensors(data: bytes, limits: Limits = LIMITS) -> ForeignWeights:
    """Read a safetensors file; raises `ForeignError`."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    if len(data) > limits.file:
        raise ForeignError(f"The file has {len(data) / MB:,.0f} MB, and the limit is {limits.file / MB:,.0f} MB.")
    length = int.from_bytes(data[:8], "little")
    if length > min(limits.text, len(data)):
        raise ForeignError(f"The file is no safetensors file, or it is damaged: {_AGAIN}")
    try:
        tensors = load(data)
        notes = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    except (SafetensorError, ValueError, RecursionError, KeyError, AttributeError, TypeError, RuntimeError) as error:
        raise ForeignError(f"The file is no safetensors file, or it is damaged: {_AGAIN}") from error
    if len(tensors) > limits.arrays:
        raise ForeignError(f"The file holds more than {limits.arrays:,} arrays, more than any network has.")
    spec, classes = _own(notes)
    groups: dict[str, dict[str, Array]] = {}
    for name in sorted(tensors, key=natural):
        tensor = tensors[name]
        if tensor.is_floating_point() and tensor.ndim and not name.startswith("training/"):
            prefix, _, ending = name.rpartition(".")
            groups.setdefault(prefix or name, {})[ending if prefix else "weight"] = tensor.float().numpy()
    return _checked(ForeignWeights("safetensors", groups, spec=spec, class_names=classes))


def keras_weights(content: Hdf5Content) -> ForeignWeights:
    """Return the weights of a Keras file without a configuration, `.weights.h5` or the legacy one; raises."""
    groups: dict[str, Mapping[str, Array]] = {}
    for name, arrays in _listed(content).items():
        for ending, group in _in_torch_axes(arrays).items():
            groups[f"{name}{ending}"] = group
    return _checked(ForeignWeights("Keras", groups, channels_last=True, eps=_KERAS_EPS))


def natural(name: str) -> tuple[Any, ...]:
    """Return a key that sorts "conv2d_10" behind "conv2d_2"."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d{1,15})", name))


def _checked(weights: ForeignWeights) -> ForeignWeights:
    if not weights.groups:
        raise ForeignError(f"The file holds no weights: {_AGAIN}")
    for name, group in weights.groups.items():
        for array in group.values():
            if not np.isfinite(array).all():
                raise ForeignError(f"The weights {shown(name)} are not all finite: that training went wrong.")
    return weights


def _own(notes: Mapping[str, Any]) -> tuple[ModelSpec | None, tuple[str, ...]]:
    """Return the stack and the classes that a file of ConvScope says; None and nothing of any other."""
    if OWN not in notes:
        return None, ()
    try:
        about = json.loads(notes[OWN])
        if about.get("numbers", "float32") != "float32":
            raise ForeignError(
                "The file holds a network in whole numbers (int8): save it in floats, and drop that one."
            )
        classes = about.get("classes", [])
        fine = isinstance(classes, list) and all(isinstance(name, str) and name for name in classes)
        return ModelSpec.from_json(json.dumps(about["spec"])), tuple(classes) if fine else ()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SpecError) as error:
        raise ForeignError("What the file says of its layers is damaged: download it again.") from error


def _listed(content: Hdf5Content) -> dict[str, list[Array]]:
    """Return the arrays of each layer, in the order in which Keras lists them."""
    arrays: dict[str, list[Array]] = {}
    order = content.texts.get("", {}).get("layer_names")
    if isinstance(order, list):  # save_weights of Keras 2
        for layer in order:
            for name in content.texts.get(str(layer), {}).get("weight_names", []):
                parts = str(name).split("/")
                array = content.arrays.get(f"{layer}/{name}")
                if array is not None:
                    arrays.setdefault("/".join(parts[:-1]) or str(layer), []).append(array)
        return arrays
    for path in sorted(content.arrays, key=natural):
        group, _, place = path.rpartition("/")
        if place.isdecimal() and group.endswith("/vars"):
            name = content.texts.get(group, {}).get("name", group.removesuffix("/vars").removeprefix("layers/"))
            arrays.setdefault(str(name), []).append(content.arrays[path])
    return arrays


def _in_torch_axes(arrays: list[Array]) -> dict[str, dict[str, Array]]:
    """Return the arrays of one layer of Keras under torch's names; a separable convolution is two layers."""
    kernels = [array for array in arrays if array.ndim == 4]
    vectors = [array for array in arrays if array.ndim == 1]
    tables = [array for array in arrays if array.ndim == 2]
    if len(kernels) + len(vectors) + len(tables) < len(arrays) or len(vectors) > (0 if len(arrays) == 0 else 4):
        return {}
    if len(kernels) == 2:
        return {" (depthwise)": {"weight": _deep(kernels[0])}, " (pointwise)": _with_bias(_wide(kernels[1]), vectors)}
    if len(kernels) == 1:
        deep = (
            kernels[0].shape[3] < kernels[0].shape[2] and vectors and vectors[0].size == np.prod(kernels[0].shape[2:])
        )
        return {"": _with_bias(_deep(kernels[0]) if deep else _wide(kernels[0]), vectors)}
    if len(tables) == 1:
        return {"": _with_bias(np.ascontiguousarray(tables[0].T), vectors)}
    return {"": dict(zip(_NORM, vectors, strict=True))} if len(vectors) == 4 else {}


def _with_bias(weight: Array, vectors: list[Array]) -> dict[str, Array]:
    return {"weight": weight} | ({"bias": vectors[0]} if vectors else {})


def _wide(kernel: Array) -> Array:
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _deep(kernel: Array) -> Array:
    height, width, channels, each = kernel.shape
    return np.ascontiguousarray(kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width))
