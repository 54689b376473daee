"""Receptive fields through a network's spec: size, jump and start by layer, projective and effective field."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.formatting import formatted
from core.model.effects import span_of
from core.model.layers import AvgPool, Conv, Layer, MaxPool, Residual
from core.model.shapes import LayerSummary, summarize
from core.model.spec import ModelSpec, Shape
from core.probe.units import tapped


@dataclass(frozen=True)
class FieldStep:
    """The receptive field after one window (Araujo et al. 2019, Distill, equations 1 to 4).

    A layer without a window (activation, batch norm, dropout) is one of 1 pixel; a residual block makes two steps.

    Attributes:
        name: The layer, dotted inside a block ("residual1.conv2").
        span: Pixels of its own input that the window reaches across, the gaps of its dilation included.
        stride, padding, dilation: Of the window; the padding is the one in front.
        sides: (H, W) of the maps that come out; empty once there are no places any more.
        size: Side in input pixels of what one number sees; it may reach beyond the image.
        jump: Input pixels from one number to the next; None without places.
        start: First input pixel of the first number's field, negative inside the padding; None without places.
        arithmetic: How "size", "jump", "start" and, with a dilation, "span" came about: "1 + (3 − 1) × 1 = 3".
    """

    name: str
    span: int
    stride: int
    padding: int
    dilation: int
    sides: tuple[int, ...]
    size: int
    jump: int | None
    start: int | None
    arithmetic: Mapping[str, str]

    @property
    def offset(self) -> float | None:
        """Centre of the first number's field in input pixels, 0 being the centre of the first pixel."""
        return None if self.start is None else self.start + (self.size - 1) / 2


def field_steps(spec: ModelSpec, layer: str) -> tuple[FieldStep, ...]:
    """Follow the receptive field from the input to a layer, one window after the other.

    Args:
        spec: The network.
        layer: One of `spec.layer_names`.

    Raises:
        ConvScopeError: The layer does not exist, or the stack does not work up to there.
    """
    names = spec.layer_names
    if layer not in names:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    summaries = summarize(spec)[: names.index(layer) + 1]
    if summaries[-1].output_shape is None:
        raise ConvScopeError(
            f"Layer {layer} sees nothing because the stack does not work up to there: mend it in Build."
        )
    steps: list[FieldStep] = []
    last = FieldStep("input", 1, 1, 0, 1, spec.input_shape[1:], 1, 1, 0, {})
    for kind, summary in zip(spec.layers, summaries, strict=False):
        assert summary.output_shape is not None
        if len(summary.output_shape) == 3:
            for name, window in _windows(kind, summary.name):
                last = through(last, name, window, summary.output_shape)
                steps.append(last)
        else:
            steps.append(_together(last, steps[-1] if steps else last, summary))
    return tuple(steps)


def reach(spec: ModelSpec, layer: str, row: int, col: int) -> tuple[int, int, int, int]:
    """Return which units of a layer a pixel of the input image can reach: the inverse of `receptive_field`.

    This is the smallest rectangle that holds every unit that depends on the pixel; with a dilation there are
    units between them that do not.

    Args:
        spec: The network.
        layer: One of `spec.layer_names`.
        row, col: The pixel, 0 at the top left.

    Returns:
        (top, left, bottom, right) in units of the layer's maps; bottom and right are exclusive. A pixel that no
        window touches gets an empty rectangle. Where a layer has no places (flatten, dense, global pooling), all
        of its numbers are one unit: (0, 0, 1, 1) or empty.

    Raises:
        ConvScopeError: The layer or the pixel does not exist, or the stack does not work up to there.
    """
    steps = field_steps(spec, layer)
    _, height, width = spec.input_shape
    if not (0 <= row < height and 0 <= col < width):
        raise ConvScopeError(
            f"The image has no pixel at row {row}, column {col}: it has {height} rows and {width} columns, counted "
            "from 0."
        )
    rows, columns = {row}, {col}
    for step in steps:
        if step.sides:
            rows, columns = _forward(rows, step, step.sides[0]), _forward(columns, step, step.sides[1])
    if not rows or not columns:
        return 0, 0, 0, 0
    if not steps[-1].sides:
        return 0, 0, 1, 1
    return min(rows), min(columns), max(rows) + 1, max(columns) + 1


@in_sentences("The effective receptive field")
def effective_field(model: nn.Module, image: Tensor, layer: str, channel: int, row: int = 0, col: int = 0) -> Tensor:
    """Return the effective receptive field of a unit: |d unit / d pixel|, summed over the image's channels.

    The part of its receptive field that matters for this image (Luo et al. 2016, "Understanding the effective
    receptive field"). The network is asked in eval mode and left as it was found.

    Args:
        model: The network.
        image: Normalised image, float (C, H, W).
        layer: A name of `model.named_modules()`.
        channel: Which map, or which number where there are no places.
        row, col: The unit's place in the map; ignored where there are none.

    Returns:
        (H, W), 0 or more, on the CPU; not a number where the network's own numbers are not.

    Raises:
        ConvScopeError: The layer or the unit does not exist, or the image is not one.
    """
    run = tapped(model, layer)
    batch = image.detach()[None].clone()
    batch.requires_grad = batch.is_floating_point()  # whatever else it is, `run` says so in a sentence
    with torch.enable_grad():
        maps = run(batch)[0]
        place = (channel, row, col)[: maps.ndim]
        if not all(0 <= at < size for at, size in zip(place, maps.shape, strict=True)):
            raise ConvScopeError(
                f"Layer {layer} has no unit at channel {channel}, row {row}, column {col}: its output has the "
                f"shape {' × '.join(map(str, maps.shape))}, counted from 0."
            )
        (gradient,) = torch.autograd.grad(maps[place], batch)
    return gradient[0].abs().sum(dim=0).cpu()


def _windows(layer: Layer, name: str) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Return a layer's windows: the name of each, with (span, stride, padding, dilation)."""
    match layer:
        case Conv():
            span = span_of(layer)
            padding = (span - 1) // 2 if isinstance(layer.padding, str) else layer.padding
            return [(name, (span, layer.stride, padding, layer.dilation))]
        case MaxPool() | AvgPool():
            return [(name, (layer.kernel_size, layer.stride, layer.padding, 1))]
        case Residual():
            kernel, half = layer.kernel_size, layer.kernel_size // 2
            first, second = (kernel, layer.stride, half, 1), (kernel, 1, half, 1)
            return [(f"{name}.conv1", first), (f"{name}.conv2", second)]
    return [(name, (1, 1, 0, 1))]


def through(last: FieldStep, name: str, window: tuple[int, int, int, int], shape: Shape) -> FieldStep:
    """Return the step after one more window (span, stride, padding, dilation) with outputs of a shape."""
    span, stride, padding, dilation = window
    assert last.jump is not None and last.start is not None
    size, jump = last.size + (span - 1) * last.jump, last.jump * stride
    start = last.start - padding * last.jump
    lines = {
        "size": f"{last.size} + ({span} − 1) × {last.jump} = {size}",
        "jump": f"{last.jump} × {stride} = {jump}",
        "start": f"{formatted(last.start)} − {padding} × {last.jump} = {formatted(start)}",
    }
    if dilation > 1:
        lines["span"] = f"{dilation} × ({(span - 1) // dilation + 1} − 1) + 1 = {span}"
    return FieldStep(name, span, stride, padding, dilation, shape[1:], size, jump, start, lines)


def _together(maps: FieldStep, last: FieldStep, summary: LayerSummary) -> FieldStep:
    """Return the step after a flatten or global pooling: a unit sees the union over all places of the last maps."""
    assert summary.receptive_field is not None
    size, line = summary.receptive_field, f"{last.size} stays"
    if size > last.size:
        side = max(maps.sides)
        line = f"{maps.size} + ({side} − 1) × {maps.jump} = {size}: all {side} places together"
    return FieldStep(summary.name, 1, 1, 0, 1, (), size, None, None, {"size": line})


def _forward(places: set[int], step: FieldStep, side: int) -> set[int]:
    """Return the units along an axis whose window touches one of the places before it."""
    taps = range(0, step.span, step.dilation)
    spots = (divmod(place + step.padding - tap, step.stride) for place in places for tap in taps)
    return {unit for unit, rest in spots if rest == 0 and 0 <= unit < side}
