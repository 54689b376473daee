"""The windows through which the units of a layer see a picture, cut at its edge or not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.model.spec import ModelSpec
from core.probe.receptive_fields import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Field:
    """The windows of a layer's units on the picture: `size` pixels wide, `jump` apart, the first at `start`."""

    size: int
    jump: int
    start: int

    def at(self, row: int, col: int) -> Box:
        """Return the window of a unit; it may reach beyond the picture."""
        top, left = self.start + row * self.jump, self.start + col * self.jump
        return top, left, top + self.size, left + self.size


def field_of(spec: ModelSpec, layer: str) -> Field:
    """Return the windows of a convolution or of an activation behind one.

    Args:
        spec: The network.
        layer: Its name, dotted inside a block ("residual1.conv1", "residual1.relu1", "residual1.shortcut.conv").

    Raises:
        ConvScopeError: The layer does not exist or the stack does not work up to there.
    """
    from core.probe.receptive_fields import field_steps

    block, _, inner = layer.partition(".")
    steps = field_steps(spec, block)
    if not inner:
        size, jump, start = steps[-1].size, steps[-1].jump, steps[-1].start
    else:
        place = [step.name for step in steps].index(f"{block}.conv1")
        first, second = steps[place], steps[place + 1]
        if inner.startswith("shortcut"):  # a kernel of 1 × 1 over the input of the block, at the places of its output
            size, jump = (steps[place - 1].size if place else 1), second.jump
            start = steps[place - 1].start if place else 0
        else:
            step = first if inner in ("conv1", "bn1", "relu1") else second
            size, jump, start = step.size, step.jump, step.start
    assert jump is not None and start is not None  # convolutions have places
    return Field(size, int(jump), int(start))


def inside(box: Box, sides: tuple[int, ...]) -> Box:
    """Return the part of a window inside a picture of (H, W)."""
    top, left, bottom, right = box
    return max(top, 0), max(left, 0), min(bottom, sides[0]), min(right, sides[1])


def cut_out(pixels: "NDArray[np.uint8]", box: Box) -> "NDArray[np.uint8]":
    """Cut a window out of a picture (H, W, 3): uint8 (h, w, 4), transparent where it is beyond the edge.

    Of a window larger than the picture, the picture's own frame is kept.
    """
    height, width = pixels.shape[:2]
    top, left, bottom, right = inside(box, (height, width))
    first, across, down = (box[0], box[1]), box[3] - box[1], box[2] - box[0]
    if down > height or across > width:
        first, across, down = (0, 0), width, height
    patch = np.zeros((down, across, 4), dtype=np.uint8)
    rows, columns = slice(top - first[0], bottom - first[0]), slice(left - first[1], right - first[1])
    patch[rows, columns, :3] = pixels[top:bottom, left:right]
    patch[rows, columns, 3] = 255
    return patch


def inner_share(slopes: "NDArray[Any]", box: Box) -> tuple[Box, float]:
    """Return the middle of a box, half as high and wide as nearly as pixels allow, and its share of the sum."""
    top, left, bottom, right = box
    rows, columns = (bottom - top) // 4, (right - left) // 4
    inner = top + rows, left + columns, bottom - rows, right - columns
    total = float(slopes.sum(dtype=np.float64))
    part = float(slopes[inner[0] : inner[2], inner[1] : inner[3]].sum(dtype=np.float64))
    return inner, part / total if total else 0.0
