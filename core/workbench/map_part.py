"""Which part of a large map is shown number by number, and what of the input it is made of."""

from dataclasses import dataclass

import numpy as np

LARGEST, ROOM = 40, 16  # rows or columns that are shown whole, and of a part of larger maps
MOST_CELLS = 80_000  # of all channels together
Cut = tuple[slice, slice]


def cut_of(outputs: np.ndarray) -> Cut:
    """Return which rows and columns of a map (H, W) are shown: all, or those around its strongest number."""
    if outputs.ndim != 2 or max(outputs.shape) <= LARGEST:
        return slice(None), slice(None)
    place = np.unravel_index(int(np.nan_to_num(np.abs(outputs)).argmax()), outputs.shape)
    rows, columns = (_around(int(at), side) for at, side in zip(place, outputs.shape, strict=True))
    return rows, columns


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a map under a sliding window, with all of the input that it is made of.

    Attributes:
        image: That part of the input, (C, h, w).
        upstream: dL/d output of the part.
        padding: Of the border, what the part's windows touch: top, left, bottom, right.
        outputs: Rows and columns of the whole output map.
        words: Which part it is; empty where it is all of it.
    """

    image: np.ndarray
    upstream: np.ndarray
    padding: tuple[int, int, int, int]
    outputs: Cut
    words: str = ""


def piece_of(
    image: np.ndarray,
    outputs: np.ndarray,
    upstream: np.ndarray,
    *,
    span: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    origin: int = 0,
) -> Piece:
    """Return what is shown of one output map (H', W') of a window that slides over maps (C, H, W).

    Args:
        image: The input.
        outputs: The output map.
        upstream: dL/d output, shaped like it.
        span: Rows and columns that a window reaches across.
        stride: From window to window.
        padding: Border of the input: top, left, bottom, right.
        origin: The row and column of the whole output map at which this one begins.
    """
    if max(*image.shape[1:], *outputs.shape) <= LARGEST and image.size <= MOST_CELLS:
        return Piece(image, upstream, padding, (slice(None), slice(None)))
    place = np.unravel_index(int(np.nan_to_num(np.abs(outputs)).argmax()), outputs.shape)
    sides = [
        (_around(int(at), side, max(4, ROOM // stride[axis])) if side > ROOM // stride[axis] else slice(0, side))
        for axis, (at, side) in enumerate(zip(place, outputs.shape, strict=True))
    ]
    if [part.stop - part.start for part in sides] == list(outputs.shape):
        return Piece(image, upstream, padding, (slice(None), slice(None)))
    begins = [part.start * stride[axis] - padding[axis] for axis, part in enumerate(sides)]
    ends = [(part.stop - 1) * stride[axis] - padding[axis] + span[axis] for axis, part in enumerate(sides)]
    cut = tuple(slice(max(0, begin), end) for begin, end in zip(begins, ends, strict=True))
    beyond = [max(0, end - side) for end, side in zip(ends, image.shape[1:], strict=True)]
    border = (max(0, -begins[0]), max(0, -begins[1]), beyond[0], beyond[1])
    outputs_cut = (sides[0], sides[1])
    named = (_moved(sides[0], origin), _moved(sides[1], origin))
    whole = (outputs.shape[0] + 2 * origin, outputs.shape[1] + 2 * origin)
    words = part_words(named, whole)
    return Piece(image[:, cut[0], cut[1]], upstream[outputs_cut], border, outputs_cut, words=words)


def _around(at: int, side: int, room: int = ROOM) -> slice:
    start = min(max(0, at - room // 2), side - room)
    return slice(start, start + room)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def part_words(part: Cut, shape: tuple[int, ...]) -> str:
    """Say which part of an output is shown."""
    rows, columns = part
    return (
        f"Shown is the part around the strongest number, rows {rows.start} to {rows.stop - 1} and columns "
        f"{columns.start} to {columns.stop - 1} of the output's {shape[0]} × {shape[1]}"
    )
