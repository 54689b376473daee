"""Results of classical operations (maps, key points, lines) and pairs of hand-made and learned kernels as pictures."""

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from core.figures.grids import sprite
from core.figures.palette import THEMES, Pixels
from core.figures.scales import ColorScale
from core.probe.classical import ClassicalResult

_MIN_SIDE_PX = 224
_KERNEL_PX, _KERNEL_GAP_PX = 84, 6
_MARK = THEMES["dark"].mark
_LINES = (("#000000", 6), (_MARK, 3))  # one over the other, so that they show on every picture
_MAX_LINE_PX = 14  # length of a key-point's line at most, in pixels of the result
_TOTAL_OPACITY = 1200  # how opaque the circles around key-points are together, so that many do not hide the picture


def operation_scale(result: ClassicalResult) -> ColorScale | None:
    """Return the colour scale of a map, cut at a percentile of its own values; None for marks."""
    return None if result.values is None else ColorScale.of(result.values, percentile=99.5, signed=result.signed)


def operation_picture(pixels: Pixels, result: ClassicalResult, *, zoom: int | None = None) -> Pixels:
    """Return the result of an operation as pixels: a coloured map, or marks drawn over the picture.

    Key-points are dots with a line in their direction and a faint circle around what they describe; straight lines
    and circles are drawn as they are.

    Args:
        pixels: The picture, uint8 (H, W, 3).
        result: What came out.
        zoom: Pixels per pixel, without smoothing; by default enough for a longer side of 224.

    Returns:
        uint8 (H · zoom, W · zoom, 3).
    """
    scale = operation_scale(result)
    background = pixels if scale is None or result.values is None else scale.rgb(result.values)
    zoom = zoom or max(1, -(-_MIN_SIDE_PX // max(background.shape[:2])))
    large = np.ascontiguousarray(background.repeat(zoom, axis=0).repeat(zoom, axis=1))
    return large if scale else _marked(large, result, zoom)


def kernel_pair(learned: ArrayLike, hand_made: ArrayLike) -> bytes:
    """Draw two kernels (k, k) side by side, each in the signed colours of its own largest weight: a PNG."""
    pair = [np.asarray(kernel, dtype=np.float64) for kernel in (learned, hand_made)]
    pixels = np.stack([ColorScale.of(kernel, signed=True).rgb(kernel) for kernel in pair])
    return sprite(pixels, 2, gap=_KERNEL_GAP_PX, zoom=max(1, _KERNEL_PX // pixels.shape[1]))


def _marked(large: Pixels, result: ClassicalResult, zoom: int) -> Pixels:
    image = Image.fromarray(large)
    draw = ImageDraw.Draw(image, "RGBA")  # colours that cover in part

    def at(row: float, col: float) -> tuple[float, float]:
        return (col + 0.5) * zoom, (row + 0.5) * zoom

    def around(row: float, col: float, radius: float) -> tuple[float, float, float, float]:
        (x, y), size = at(row, col), radius * zoom
        return x - size, y - size, x + size, y + size

    for row, col, radius, _ in result.points.tolist():
        draw.ellipse(around(row, col, radius), outline=f"{_MARK}{min(144, _TOTAL_OPACITY // len(result.points)):02x}")
    for colour, width in _LINES:
        for row, col, radius in result.circles.tolist():
            draw.ellipse(around(row, col, radius), outline=colour, width=width)
        for row, col, end_row, end_col in result.segments.tolist():
            draw.line([at(row, col), at(end_row, end_col)], fill=colour, width=width)
        for row, col, radius, angle in result.points.tolist():
            length = min(radius, _MAX_LINE_PX / zoom)
            tip = at(row + length * np.sin(angle), col + length * np.cos(angle))
            draw.line([at(row, col), tip], fill=colour, width=width)
            draw.ellipse(around(row, col, (width + 1) / 2 / zoom), fill=colour)
    return np.asarray(image)
