"""A picture with one part framed and the rest darkened."""

import numpy as np

from core.figures.palette import Pixels

_MIN_SIDE_PX = 384
_DIMMED = 0.4
_FRAMES = ((0, 0), (1, 255), (2, 255), (3, 0))  # distance from the edge of the box, grey: seen on every picture


def spotlight(pixels: Pixels, box: tuple[int, int, int, int], *, zoom: int | None = None) -> Pixels:
    """Enlarge a picture without smoothing, frame a part of it and darken the rest.

    Args:
        pixels: The picture, uint8 (H, W, 3).
        box: (top, left, bottom, right) in pixels of the picture; bottom and right are exclusive. An empty box
            darkens everything.
        zoom: Pixels per pixel; by default enough for a longer side of 384.

    Returns:
        uint8 (H · zoom, W · zoom, 3).
    """
    zoom = zoom or max(1, -(-_MIN_SIDE_PX // max(pixels.shape[:2])))
    large = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    top, left, bottom, right = (edge * zoom for edge in box)
    dimmed = (large * _DIMMED).astype(np.uint8)
    dimmed[top:bottom, left:right] = large[top:bottom, left:right]
    for inset, grey in _FRAMES:
        rows, columns = slice(top + inset, bottom - inset), slice(left + inset, right - inset)
        if min(bottom - top, right - left) > 2 * inset:
            dimmed[rows, [left + inset, right - inset - 1]] = grey
            dimmed[[top + inset, bottom - inset - 1], columns] = grey
    return dimmed
