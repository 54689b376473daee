"""Weights without layers and layers without weights: which belong together, by shape and order or as a person says."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.exchange.foreign.network import Array, ForeignError, ForeignNetwork, shown
from core.exchange.foreign.pointwise import channels_last_order
from core.exchange.foreign.stack import COUNT, EPS
from core.exchange.foreign.tensors import ForeignWeights
from core.formatting import dimensions
from core.model.build import build_model
from core.model.layers import BatchNorm, Dense, Flatten
from core.model.shapes import problems, summarize
from core.model.spec import ModelSpec

Shapes = Mapping[str, tuple[int, ...]]
_CAN_LACK = "bias"  # which is zero then


@dataclass(frozen=True)
class Match:
    """What one part of our network takes its weights from.

    Attributes:
        part: Its name: "conv1", "residual1.bn2".
        shape: Of its weights, in words.
        candidates: The layers of the file whose arrays have these shapes, in the order of the file.
        chosen: One of them; "" where there is none left.
    """

    part: str
    shape: str
    candidates: tuple[str, ...]
    chosen: str


def matches(spec: ModelSpec, weights: ForeignWeights, choices: Mapping[str, str] | None = None) -> tuple[Match, ...]:
    """Return which layer of a file goes into which part of a network.

    Args:
        spec: The network.
        weights: The file's.
        choices: What people chose for some parts; the rest takes what is left, in order, the same name first.
    """
    parts = _parts(spec)
    fitting = {
        part: tuple(name for name, group in weights.groups.items() if _fits(shapes, group))
        for part, shapes in parts.items()
    }
    chosen = {part: name for part, name in (choices or {}).items() if name in fitting.get(part, ())}
    named = {part: part for part, names in fitting.items() if part in names and part not in chosen}
    chosen = {part: name for part, name in named.items() if name not in chosen.values()} | chosen
    for part, names in fitting.items():
        if part not in chosen:
            left = [name for name in names if name not in chosen.values()]
            chosen[part] = left[0] if left else ""
    return tuple(Match(part, dimensions(parts[part]["weight"], " × "), fitting[part], chosen[part]) for part in parts)


def left_over(matched: tuple[Match, ...], weights: ForeignWeights) -> tuple[str, ...]:
    """Return the layers of a file that no part of the network takes."""
    taken = {match.chosen for match in matched}
    return tuple(name for name in weights.groups if name not in taken)


def network_of(spec: ModelSpec, weights: ForeignWeights, matched: tuple[Match, ...]) -> ForeignNetwork:
    """Return a network with the weights that were matched to it.

    Raises:
        ForeignError: Some part has none, or two parts have the same.
    """
    for match in matched:
        if not match.chosen:
            raise ForeignError(f"Nothing in the file has the shape that {match.part} needs, {match.shape}.")
    names = [match.chosen for match in matched]
    for name in names:
        if names.count(name) > 1:
            raise ForeignError(f"{shown(name)} is chosen for two layers: choose another one for one of them.")
    groups = {match.part: dict(weights.groups[match.chosen]) for match in matched}
    if weights.channels_last:
        _reorder(spec, groups)
    tensors: dict[str, Array] = {}
    notes = ["The file says nothing of activations, pooling and dropout: these are those of the network chosen here."]
    for part, shapes in _parts(spec).items():
        for ending, shape in shapes.items():
            tensors[f"{part}.{ending}"] = groups[part].get(ending, np.zeros(shape, np.float32))
        if "running_var" in shapes:
            tensors[f"{part}.{COUNT}"] = np.zeros((), np.int64)
            if weights.eps is not None:
                variance = tensors[f"{part}.running_var"]
                tensors[f"{part}.running_var"] = np.maximum(variance + np.float32(weights.eps - EPS), 0)
                notes.append(f"Batch norms are taken to add {weights.eps:g} to variances, as Keras does by default.")
    by_part = {match.part: match.chosen for match in matched}
    origins = tuple(by_part.get(name, "") for name in spec.layer_names)
    return ForeignNetwork(
        weights.program, spec, tensors, origins, tuple(dict.fromkeys(notes)), class_names=weights.class_names
    )


def fitting(weights: ForeignWeights, specs: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...]:
    """Return those networks that a file has all weights for, the ones that leave least of it over first."""
    ranked = []
    for spec in dict.fromkeys(specs):
        if not problems(spec):
            match = matches(spec, weights)
            if match and all(each.chosen for each in match):
                ranked.append((len(left_over(match, weights)), spec))
    return tuple(spec for _, spec in sorted(ranked, key=lambda pair: pair[0]))


def _parts(spec: ModelSpec) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the parts of a network that have weights, each with the shapes of its arrays."""
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in build_model(spec).state_dict().items():
        part, _, ending = name.rpartition(".")
        if ending != COUNT:
            parts.setdefault(part, {})[ending] = tuple(tensor.shape)
    return parts


def _fits(shapes: Shapes, group: Mapping[str, Array]) -> bool:
    return set(group) <= set(shapes) and all(
        group[ending].shape == shape if ending in group else ending == _CAN_LACK for ending, shape in shapes.items()
    )


def _reorder(spec: ModelSpec, groups: dict[str, dict[str, Array]]) -> None:
    """Bring the numbers behind a flattening into our order, up to the dense layer that mixes them."""
    order = None
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        if isinstance(layer, Flatten) and summary.input_shape is not None and len(summary.input_shape) == 3:
            order = channels_last_order(summary.input_shape)
        elif order is not None and isinstance(layer, BatchNorm):
            groups[summary.name] = {ending: array[order] for ending, array in groups[summary.name].items()}
        elif order is not None and isinstance(layer, Dense):
            groups[summary.name]["weight"] = np.ascontiguousarray(groups[summary.name]["weight"][:, order])
            order = None
