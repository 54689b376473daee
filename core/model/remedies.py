"""Changes that make an impossible stack possible, each tried out before it is offered."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from core.errors import SpecError
from core.model.backbone_shapes import num_blocks
from core.model.layer_arithmetic import span_of
from core.model.layers import AvgPool, Backbone, Conv, Dense, Flatten, GlobalAvgPool, Layer, MaxPool, Residual
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.model.trace import LIMITS, Trace, trace
from core.options import options

MAX_REMEDIES = 3
_SIZES = tuple(side for option in options(Backbone) if option.name == "size" for side in option.choices if side)

Layers = tuple[Layer, ...]
Change = tuple[str, Layers]  # what a button says, and the whole stack that it leads to
Row = Iterable[Change]  # one kind of change, ever stronger


def remedies(spec: ModelSpec, failed: Trace) -> tuple[Change, ...]:
    """Return one to three changes after which the failure of `failed` is gone, the gentlest first.

    Of each row the first change that helps is offered. A later layer may still have a problem of its own.
    """
    labels: dict[Layers, str] = {}
    for row in _rows(spec, failed):
        for label, layers in row:
            if layers not in labels and _helps(spec, layers, failed):
                labels[layers] = label
                break
        if len(labels) == MAX_REMEDIES:
            break
    if not labels:  # this works for whatever images a spec may take
        smallest = (GlobalAvgPool(), Dense(spec.num_classes))
        labels[smallest] = "Start again with global average pooling and a dense layer"
    return tuple((label, layers) for layers, label in labels.items())


def _helps(spec: ModelSpec, layers: Layers, failed: Trace) -> bool:
    try:
        return trace(replace(spec, layers=layers)).progress > failed.progress
    except SpecError:  # more layers than a stack may have
        return False


def _rows(spec: ModelSpec, failed: Trace) -> Iterator[Row]:
    code = failed.failure.code if failed.failure else ""
    if code == "empty":
        tutorial = preset("tutorial", spec.input_shape, spec.num_classes)
        yield [("Start with the tutorial's network", tutorial.layers)]
        yield [("Add flatten and a dense layer", (Flatten(), Dense(spec.num_classes)))]
    elif code == "logits":
        yield from _endings(spec, failed)
    elif code == "flat":
        yield [_insert(spec, failed.index, Flatten(), "flatten")]
        yield [_insert(spec, failed.index, GlobalAvgPool(), "global average pooling")]
    elif code == "maps":
        yield from _reorderings(spec, failed)
    elif code == "first":
        rest = (*spec.layers[: failed.index], *spec.layers[failed.index + 1 :])
        if not any(isinstance(layer, Backbone) for layer in spec.layers[: failed.index]):
            yield [(f"Move {spec.layer_names[failed.index]} to the front", (spec.layers[failed.index], *rest))]
        yield [_remove(spec, failed.index)]
    else:
        yield from _settings(spec, failed.index, code)
        if code in LIMITS:
            yield [_insert(spec, failed.index, MaxPool(), "max pooling")]
        yield [_remove(spec, failed.index)]
        yield _without_pools(spec, failed.index)


def _settings(spec: ModelSpec, index: int, code: str) -> Iterator[Row]:
    """Change the settings of the failing layer itself, or of the pooling in front that leaves it too little."""

    def tries(label: str, field: str, values: Iterable[int]) -> Iterator[Change]:
        for value in values:
            try:
                changed = replace(layer, **{field: value})
            except SpecError:  # out of the field's range
                continue
            yield f"{label.format(value)} in {spec.layer_names[index]}", _put(spec, index, changed)

    layer: Any = spec.layers[index]
    match layer:
        case Conv() if code == "same":
            yield tries("Use stride {}", "stride", [1])
            yield tries("Use padding {}", "padding", [span_of(layer) // 2])
        case Conv() if code == "groups":
            fewer = (count for count in range(layer.groups - 1, 0, -1) if layer.out_channels % count == 0)
            yield tries("Use groups = {}", "groups", fewer)
            yield tries("Use {} filters", "out_channels", [-(-layer.out_channels // layer.groups) * layer.groups])
        case Conv() if code == "span":
            odd_first = sorted(range(1, layer.kernel_size), key=lambda size: (size % 2 == 0, -size))
            yield tries("Use padding {}", "padding", [span_of(layer) // 2, *range(1, 17)])
            yield _without_pools(spec, index)
            yield tries("Use dilation {}", "dilation", range(layer.dilation - 1, 0, -1))
            yield tries("Use a {0}×{0} kernel", "kernel_size", odd_first)
        case Backbone() if code == "blocks":
            yield tries("Use block {} as the last", "up_to", [num_blocks(layer.network)])
            yield tries("Train from block {}", "train_from", [layer.up_to or num_blocks(layer.network)])
        case Backbone() if code in ("span", *LIMITS):
            yield tries("Use pictures of {} pixels", "size", sorted(_SIZES, reverse=code in LIMITS))
            yield tries("Use block {} as the last", "up_to", range(num_blocks(layer.network) - 1, 0, -1))
        case MaxPool() | AvgPool() if code == "half":
            yield tries("Use padding {}", "padding", [layer.kernel_size // 2])
            yield tries("Use a {0}×{0} window", "kernel_size", [2 * layer.padding])
        case MaxPool() | AvgPool() if code == "span":
            yield tries("Use a {0}×{0} window", "kernel_size", range(layer.kernel_size - 1, 1, -1))
        case Conv() | Residual() if code in LIMITS:
            yield tries("Use {} filters", "out_channels", _halves(layer.out_channels))
            yield tries("Use a {0}×{0} kernel", "kernel_size", range(layer.kernel_size - 2, 0, -2))
        case Dense() if code in LIMITS:
            yield _pooled(spec, index)
            yield tries("Use {} outputs", "out_features", _halves(layer.out_features))


def _halves(number: int) -> list[int]:
    return [number >> power for power in range(1, number.bit_length())]


def _put(spec: ModelSpec, index: int, *instead: Layer) -> Layers:
    return (*spec.layers[:index], *instead, *spec.layers[index + 1 :])


def _remove(spec: ModelSpec, index: int) -> Change:
    return f"Remove {spec.layer_names[index]}", _put(spec, index)


def _insert(spec: ModelSpec, index: int, layer: Layer, words: str) -> Change:
    return f"Insert {words} before {spec.layer_names[index]}", _put(spec, index, layer, spec.layers[index])


def _without_pools(spec: ModelSpec, index: int) -> Row:
    places = (place for place in reversed(range(index)) if isinstance(spec.layers[place], MaxPool | AvgPool))
    return (_remove(spec, place) for place in places)


def _pooled(spec: ModelSpec, index: int) -> Row:
    """Average whole maps where they were flattened: fewer numbers for the dense layer behind."""
    for place in reversed(range(index)):
        if isinstance(spec.layers[place], Flatten):
            yield (
                f"Put global average pooling in place of {spec.layer_names[place]}",
                _put(spec, place, GlobalAvgPool()),
            )


def _reorderings(spec: ModelSpec, failed: Trace) -> Iterator[Row]:
    """Bring a layer that takes maps to where there still are some."""
    index, layers, names = failed.index, spec.layers, spec.layer_names
    flat = next(place for place, step in enumerate(failed.steps) if step.result and len(step.result.shape) == 1)
    moved = (*layers[:flat], layers[index], *layers[flat:index], *layers[index + 1 :])
    yield [(f"Move {names[index]} before {names[flat]}", moved)]
    yield [_remove(spec, index)]
    yield [_remove(spec, flat)]


def _endings(spec: ModelSpec, failed: Trace) -> Iterator[Row]:
    """Make the network end with one number for each class."""
    layers, count, ending = spec.layers, spec.num_classes, failed.steps[-1].result
    dense = f"a dense layer with {count} outputs"
    if ending and len(ending.shape) == 3:
        yield [(f"Add flatten and {dense}", (*layers, Flatten(), Dense(count)))]
        yield [("Add global average pooling", (*layers, GlobalAvgPool()))]
        yield [(f"Add global average pooling and {dense}", (*layers, GlobalAvgPool(), Dense(count)))]
    elif isinstance(layers[-1], Dense | GlobalAvgPool):
        yield _resized(spec)
        yield [(f"Add {dense}", (*layers, Dense(count)))]
    else:
        yield [(f"Add {dense}", (*layers, Dense(count)))]
        yield _resized(spec)


def _resized(spec: ModelSpec) -> Row:
    """Change how many numbers come out of the last layer that decides on it."""
    for place in reversed(range(len(spec.layers))):
        layer, name = spec.layers[place], spec.layer_names[place]
        if isinstance(layer, Dense):
            changed = replace(layer, out_features=spec.num_classes)
            yield f"Set {name} to {spec.num_classes} outputs", _put(spec, place, changed)
            return
        if isinstance(layer, Conv | Residual):
            yield (
                f"Set {name} to {spec.num_classes} filters",
                _put(spec, place, replace(layer, out_channels=spec.num_classes)),
            )
            return
