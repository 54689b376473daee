"""What changes from one network to another, in words."""

from collections.abc import Iterable, Sequence
from itertools import groupby, product
from typing import Any

from core.formatting import dimensions
from core.model.layers import ACTIVATIONS, Layer
from core.model.spec import ModelSpec
from core.options import Option, options

Pair = tuple[int | None, int | None]  # places of the same layer in both stacks; None where one lacks it

_COUNTED = ("out_channels", "out_features", "groups")  # settings whose label counts things: "64 filters"
_LACKING = 2  # what a layer that one stack lacks costs; one with other settings costs 1


def spec_changes(a: ModelSpec, b: ModelSpec) -> tuple[str, ...]:
    """Return what has to be done to `a` to get `b`, a few words each, from the first layer to the last.

    "conv2: 64 → 32 filters"; "dropout1 (share dropped 0.5) added after dense1". Layers that stay or change are
    called as in `a`, new ones and their places as in `b`. The networks' own names do not count.
    """
    changes = []
    if a.input_shape != b.input_shape:
        changes.append(f"images: {dimensions(a.input_shape, '×')} → {dimensions(b.input_shape, '×')}")
    if a.num_classes != b.num_classes:
        changes.append(f"classes: {a.num_classes:,} → {b.num_classes:,}")
    for kind, group in groupby(align(a.layers, b.layers), key=_kind):
        changes += _describe(kind, list(group), a, b)
    return tuple(changes)


def align(a: Sequence[Layer], b: Sequence[Layer]) -> list[Pair]:
    """Pair the layers of two stacks, in order, so that as little as possible differs.

    This is the edit distance (Wagner and Fischer 1974) over layers: only layers of the same sort are paired.
    `difflib` looks for the longest equal stretch first, which tears conv 32, conv 64 and conv 64, conv 64 apart.
    """
    costs = [[_LACKING * (len(a) - i + len(b) - j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i, j in product(reversed(range(len(a))), reversed(range(len(b)))):
        lacking = _LACKING + min(costs[i + 1][j], costs[i][j + 1])
        costs[i][j] = min(costs[i + 1][j + 1] + _cost(a[i], b[j]), lacking)
    pairs: list[Pair] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if i < len(a) and j < len(b) and costs[i][j] == costs[i + 1][j + 1] + _cost(a[i], b[j]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < len(a) and costs[i][j] == costs[i + 1][j] + _LACKING:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _cost(one: Layer, other: Layer) -> int:
    if one == other:
        return 0
    return 1 if one.prefix == other.prefix else 2 * _LACKING + 1


def _kind(pair: Pair) -> str:
    return "added" if pair[0] is None else "removed" if pair[1] is None else "kept"


def _describe(kind: str, pairs: list[Pair], a: ModelSpec, b: ModelSpec) -> Iterable[str]:
    """Say what happens to neighbouring layers that are all added, all removed or all kept."""
    if kind == "kept":
        both = [(i, j) for i, j in pairs if i is not None and j is not None]
        changed = ((a.layer_names[i], a.layers[i], b.layers[j]) for i, j in both if a.layers[i] != b.layers[j])
        return [f"{name}: {', '.join(_changes(one, other))}" for name, one, other in changed]
    spec, side = (b, 1) if kind == "added" else (a, 0)
    places = [place for pair in pairs if (place := pair[side]) is not None]
    words = _listed([f"{spec.layer_names[place]}{_values(spec.layers[place])}" for place in places])
    if kind == "removed":
        return [f"{words} removed"]
    return [f"{words} added " + (f"after {b.layer_names[places[0] - 1]}" if places[0] else "in front")]


def _changes(one: Layer, other: Layer) -> list[str]:
    """Return the settings in which two layers differ, after what they are if that is another thing."""
    words = [] if one.kind == other.kind else [f"{one.title.lower()} → {other.title.lower()}"]
    settings_of_one = {setting.name: setting for setting in options(one)}
    for setting in options(other):
        old = getattr(one, setting.name, setting.default) if setting.name in settings_of_one else setting.default
        new = getattr(other, setting.name)
        if old != new:
            words.append(_setting(setting, f"{_value(setting, old)} → {_value(setting, new)}"))
    return words


def _values(layer: Layer) -> str:
    """Return the most telling setting of a layer in brackets: the first one, if it has any."""
    first = next(iter(options(layer)), None)
    if first is None or layer.prefix == "activation":  # its name says it
        return ""
    return f" ({_setting(first, _value(first, getattr(layer, first.name)))})"


def _setting(setting: Option, value: str) -> str:
    label = setting.label.lower()
    if setting.name == "function":
        return value
    return f"{value} {label}" if setting.name in _COUNTED else f"{label} {value}"


def _value(setting: Option, value: Any) -> str:
    return f"{value:,}" if type(value) is int else ACTIVATIONS.get(value, str(value))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
