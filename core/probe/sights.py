"""Exact receptive fields of a layer: for each row and column of its maps the input rows and columns, as bit masks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from core.probe.fields import FieldStep, through

Window = tuple[int, int, int, int]  # span, stride, padding in front, dilation
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are exclusive
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
            steps = (*steps, through(steps[-1] if steps else START, name, windows[0], (0, *sides)))
        return replace(self, rows=rows, columns=columns, steps=steps)

    def pooled(self, name: str, sides: tuple[int, int], *, places: bool = True) -> "ReceptiveFieldMap":
        """Return the receptive fields after adaptive pooling to `sides`."""
        rows, columns = (
            tuple(_union(masks[at * len(masks) // count : -(-(at + 1) * len(masks) // count)]) for at in range(count))
            for masks, count in zip((self.rows, self.columns), sides, strict=True)
        )
        steps = self.steps
        last, side = (steps[-1] if steps else START), max(self.sides)
        if last.jump is not None and side > max(sides):
            size = last.size + (side - 1) * last.jump
            line = f"{last.size} + ({side} − 1) × {last.jump} = {size}: all {side} places together"
            steps = (*steps, FieldStep(name, 1, 1, 0, 1, (), size, None, None, {"size": line}))
        return replace(self, rows=rows, columns=columns, steps=steps, places=self.places and places)


def joined(sights: Iterable[ReceptiveFieldMap]) -> ReceptiveFieldMap:
    """Return the receptive fields of an elementwise combination of several maps.

    A single place beside larger maps is a gate: it weighs them all alike.
    """
    fields = list(sights)
    sides = max(sight.sides for sight in fields)
    large = [sight for sight in fields if sight.sides == sides]
    widest = max(large, key=lambda sight: sight.steps[-1].size if sight.steps else 1)
    rows, columns = (
        tuple(_union(masks) for masks in zip(*(getattr(sight, name) for sight in large), strict=True))
        for name in ("rows", "columns")
    )
    gated = len(large) < len(fields) or any(sight.gated for sight in fields)
    return replace(widest, rows=rows, columns=columns, gated=gated, places=all(sight.places for sight in large))


def _through(masks: tuple[int, ...], window: Window, place: int) -> int:
    span, stride, padding, dilation = window
    start = place * stride - padding
    return _union(masks[at] for at in range(start, start + span, dilation) if 0 <= at < len(masks))


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _ends(mask: int) -> tuple[int, int]:
    return (mask & -mask).bit_length() - 1, mask.bit_length()
