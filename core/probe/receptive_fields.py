"""Receptive fields: of any layer exactly, for each row and column of its maps the input rows and columns as bit masks;
of a network's spec also size, jump and start after each window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from math import ceil, floor
from operator import or_

from core.errors import ConvScopeError
from core.formatting import formatted
from core.model.backbone_shapes import backbone_windows, resized
from core.model.layer_arithmetic import windows
from core.model.layer_result import ReceptiveField, Window
from core.model.layers import Backbone, Layer
from core.model.shapes import LayerSummary, summarize
from core.model.spec import ModelSpec

Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are exclusive


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
    jump: float | None
    start: float | None
    arithmetic: Mapping[str, str]

    @property
    def offset(self) -> float | None:
        """Centre of the first number's field in input pixels, 0 being the centre of the first pixel."""
        return None if self.start is None else self.start + (self.size - 1) / 2

    @property
    def receptive_field(self) -> ReceptiveField:
        """Size, jump and start."""
        return ReceptiveField(self.size, self.jump, self.start)

    def through(self, name: str, window: Window, sides: tuple[int, ...]) -> "FieldStep":
        """Return the step after one more window with maps of `sides`."""
        span, stride, padding, dilation = window
        after = self.receptive_field.through(window)
        assert self.start is not None and after.start is not None
        lines = {
            "size": f"{self.size} + ({span} − 1) × {self.jump} = {after.size}",
            "jump": f"{self.jump} × {stride} = {after.jump}",
            "start": f"{formatted(self.start)} − {padding} × {self.jump} = {formatted(after.start)}",
        }
        if dilation > 1:
            lines["span"] = f"{dilation} × ({(span - 1) // dilation + 1} − 1) + 1 = {span}"
        return FieldStep(name, *window, sides, after.size, after.jump, after.start, lines)

    def together(self, name: str, side: int) -> "FieldStep":
        """Return the step after which a unit sees the union over all places of maps of that many rows or columns."""
        size = self.receptive_field.flat((1, side, side)).whole
        line = f"{self.size} + ({side} − 1) × {self.jump} = {size}: all {side} places together"
        return FieldStep(name, 1, 1, 0, 1, (), size, None, None, {"size": line})


START = FieldStep("input", 1, 1, 0, 1, (), 1, 1, 0, {})


@dataclass(frozen=True, eq=False)
class ReceptiveFieldMap:
    """The receptive fields of maps (H, W) in an image.

    Attributes:
        rows: For each of the H rows, the image rows that its numbers depend on: bit i for row i.
        columns: The same for the W columns.
        steps: The windows on the way, along the branch that sees most.
        gated: Whether a gate on the way (squeeze and excitation) also weighs the maps by what the whole image holds;
            the rest is as if it did not.
        places: Whether there are places: not once the maps became a row of numbers.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    steps: tuple[FieldStep, ...] = ()
    gated: bool = False
    places: bool = True

    @classmethod
    def of_image(cls, height: int, width: int) -> "ReceptiveFieldMap":
        """Return the identity: each pixel of an image sees itself."""
        return cls(tuple(1 << row for row in range(height)), tuple(1 << column for column in range(width)))

    @property
    def sides(self) -> tuple[int, int]:
        """(H, W) of the maps."""
        return len(self.rows), len(self.columns)

    def box(self, row: int = 0, col: int = 0) -> Box:
        """Return the bounding box of the pixels that a unit depends on; empty if there are none."""
        rows, columns = (
            (self.rows[row], self.columns[col]) if self.places else (_union(self.rows), _union(self.columns))
        )
        if not rows or not columns:
            return 0, 0, 0, 0
        (top, bottom), (left, right) = _ends(rows), _ends(columns)
        return top, left, bottom, right

    def reach(self, row: int, col: int) -> Box:
        """Return the bounding box of the units that depend on a pixel; empty if there are none."""
        rows, columns = (
            [place for place, mask in enumerate(side) if mask >> at & 1]
            for side, at in ((self.rows, row), (self.columns, col))
        )
        if not rows or not columns:
            return 0, 0, 0, 0
        return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1

    def through(self, name: str, windows: tuple[Window, Window], sides: tuple[int, int]) -> "ReceptiveFieldMap":
        """Return the receptive fields after a sliding window (for rows, for columns) with outputs of `sides`."""
        rows, columns = (
            tuple(_through(masks, window, place) for place in range(count))
            for masks, window, count in zip((self.rows, self.columns), windows, sides, strict=True)
        )
        steps = self.steps
        if windows[0][:2] != (1, 1):
            steps = (*steps, (steps[-1] if steps else START).through(name, windows[0], sides))
        return replace(self, rows=rows, columns=columns, steps=steps)

    def resized(self, sides: tuple[int, int]) -> "ReceptiveFieldMap":
        """Return the receptive fields after bilinear resizing to `sides`: of each place the two nearest.

        The windows of what comes behind are those of the resized image, in its pixels.
        """
        if sides == self.sides:
            return self
        rows, columns = (
            tuple(_between(masks, (place + 0.5) * len(masks) / count - 0.5) for place in range(count))
            for masks, count in zip((self.rows, self.columns), sides, strict=True)
        )
        return replace(self, rows=rows, columns=columns)

    def pooled(self, name: str, sides: tuple[int, int], *, places: bool = True) -> "ReceptiveFieldMap":
        """Return the receptive fields after adaptive pooling to `sides`."""
        rows, columns = (
            tuple(_union(masks[at * len(masks) // count : -(-(at + 1) * len(masks) // count)]) for at in range(count))
            for masks, count in zip((self.rows, self.columns), sides, strict=True)
        )
        steps = self.steps
        last, side = (steps[-1] if steps else START), max(self.sides)
        if last.jump is not None and side > max(sides):
            steps = (*steps, last.together(name, side))
        return replace(self, rows=rows, columns=columns, steps=steps, places=self.places and places)


def joined(maps: Iterable[ReceptiveFieldMap]) -> ReceptiveFieldMap:
    """Return the receptive fields of an elementwise combination of several maps.

    A single place beside larger maps is a gate: it weighs them all alike.
    """
    fields = list(maps)
    sides = max(one.sides for one in fields)
    large = [one for one in fields if one.sides == sides]
    widest = max(large, key=lambda one: one.steps[-1].size if one.steps else 1)
    rows, columns = (
        tuple(_union(masks) for masks in zip(*(getattr(one, name) for one in large), strict=True))
        for name in ("rows", "columns")
    )
    gated = len(large) < len(fields) or any(one.gated for one in fields)
    return replace(widest, rows=rows, columns=columns, gated=gated, places=all(one.places for one in large))


def _through(masks: tuple[int, ...], window: Window, place: int) -> int:
    span, stride, padding, dilation = window
    start = place * stride - padding
    return _union(masks[at] for at in range(start, start + span, dilation) if 0 <= at < len(masks))


def _between(masks: tuple[int, ...], at: float) -> int:
    """Return what a value between two places depends on."""
    near = min(max(at, 0.0), len(masks) - 1.0)
    return masks[floor(near)] | masks[ceil(near)]


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _ends(mask: int) -> tuple[int, int]:
    return (mask & -mask).bit_length() - 1, mask.bit_length()


def field_steps(spec: ModelSpec, layer: str) -> tuple[FieldStep, ...]:
    """Follow the receptive field from the input to a layer, one window after the other.

    Args:
        spec: The network.
        layer: One of `spec.layer_names`.

    Raises:
        ConvScopeError: The layer does not exist, or the stack does not work up to there.
    """
    steps: list[FieldStep] = []
    maps = replace(START, sides=spec.input_shape[1:])
    for described, summary in _followed(spec, layer):
        assert summary.output_shape is not None and summary.receptive_field is not None
        size = (steps[-1] if steps else maps).size
        if isinstance(described, Backbone):
            whole = {"size": f"{summary.receptive_field}, through all of its blocks"}
            place = (summary.receptive_field, summary.jump, _first(summary))
            maps = FieldStep(summary.name, 1, 1, 0, 1, summary.output_shape[1:], *place, whole)
            steps.append(maps)
        elif len(summary.output_shape) == 3:
            for name, window in _windows(described, summary.name) or [(summary.name, (1, 1, 0, 1))]:
                maps = maps.through(name, window, summary.output_shape[1:])
                steps.append(maps)
        elif summary.receptive_field > size:
            steps.append(maps.together(summary.name, max(maps.sides)))
        else:
            steps.append(FieldStep(summary.name, 1, 1, 0, 1, (), size, None, None, {"size": f"{size} stays"}))
    return tuple(steps)


def _first(summary: LayerSummary) -> float:
    """Return the first input pixel of the first number's field of a layer of maps."""
    assert summary.offset is not None and summary.receptive_field is not None
    return summary.offset - (summary.receptive_field - 1) / 2


def receptive_field(spec: ModelSpec, layer: str, row: int = 0, col: int = 0) -> tuple[int, int, int, int]:
    """Return the part of the input image that one unit of a layer can see.

    This is the smallest rectangle that holds every pixel on which the unit depends; with a dilation, or a
    stride longer than the kernel, there are pixels between them that it does not see. The unit's window is
    followed back through the stack and cut at the edge of every map on the way (Araujo et al. 2019, Distill).

    Args:
        spec: The network.
        layer: One of `spec.layer_names`.
        row, col: The unit's place in the layer's maps, 0 at the top left. Layers without places (flatten,
            dense and global pooling) ignore them: the answer is what all their numbers see together.

    Returns:
        (top, left, bottom, right) in pixels, inside the image; bottom and right are exclusive. A unit that
        sees nothing but padding gets an empty rectangle.

    Raises:
        ConvScopeError: The layer or the place does not exist, or the stack does not work up to there.
    """
    field = _field_of(spec, layer)
    height, width = field.sides
    if field.places and not (0 <= row < height and 0 <= col < width):
        raise ConvScopeError(
            f"Layer {layer} has no unit at row {row}, column {col}: its maps have {height} rows and {width} columns, "
            "counted from 0."
        )
    return field.box(row, col)


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
    field = _field_of(spec, layer)
    _, height, width = spec.input_shape
    if not (0 <= row < height and 0 <= col < width):
        raise ConvScopeError(
            f"The image has no pixel at row {row}, column {col}: it has {height} rows and {width} columns, counted "
            "from 0."
        )
    return field.reach(row, col)


@lru_cache(maxsize=64)
def _field_of(spec: ModelSpec, layer: str) -> ReceptiveFieldMap:
    """Return what the numbers of a layer see: the windows of its spec instead of those of a traced network."""
    field = ReceptiveFieldMap.of_image(*spec.input_shape[1:])
    for described, summary in _followed(spec, layer):
        assert summary.output_shape is not None
        if isinstance(described, Backbone):
            field = field.resized(resized(described, field.sides) or field.sides)
            for window, (height, width) in backbone_windows(described, spec.input_shape[1:]):
                field = field.through(summary.name, (window, window), (height, width))
        elif len(summary.output_shape) == 3:
            _, height, width = summary.output_shape
            for name, window in _windows(described, summary.name):
                field = field.through(name, (window, window), (height, width))
        elif field.places:
            field = field.pooled(summary.name, (1, 1), places=False)
    return field


def _followed(spec: ModelSpec, layer: str) -> list[tuple[Layer, LayerSummary]]:
    """Return the layers up to one of them; raises `ConvScopeError` if it is not there or the stack does not work."""
    names = spec.layer_names
    if layer not in names:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    summaries = summarize(spec)[: names.index(layer) + 1]
    if summaries[-1].output_shape is None:
        raise ConvScopeError(
            f"Layer {layer} sees nothing because the stack does not work up to there: mend it in Build."
        )
    return list(zip(spec.layers, summaries, strict=False))


def _windows(layer: Layer, name: str) -> list[tuple[str, Window]]:
    """Return a layer's windows with their names: those of the convolutions inside a residual block."""
    slid = windows(layer)
    names = [name] if len(slid) < 2 else [f"{name}.conv{number}" for number in range(1, len(slid) + 1)]
    return list(zip(names, slid, strict=False))
