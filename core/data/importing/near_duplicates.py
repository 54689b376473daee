"""Pictures that look nearly the same, found by a fingerprint of their light and dark."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR = 3  # bits in which the fingerprints of near-duplicates may differ
ALIKE = 0.98  # correlation of their brightness
FLAT = 4.0  # deviation in levels below which there is nothing to correlate
ENOUGH = 64  # pixels a side from which on pictures are compared at half of their size, a third …
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_BITS = 1 << np.arange(64, dtype=np.uint64)


@lru_cache(maxsize=8)
def _average(size: int, parts: int) -> NDArray[np.float32]:
    """Return the matrix (parts, size) that takes the mean of each of so many equal stretches."""
    edges = np.linspace(0, size, parts + 1)
    cover = np.minimum(np.arange(1, size + 1), edges[1:, None]) - np.maximum(np.arange(size), edges[:-1, None])
    return (np.clip(cover, 0, None) * parts / size).astype(np.float32)


def brightness(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the brightness (N, H, W) of pictures (N, C, H, W)."""
    values = pixels.astype(np.float32, copy=False)
    if values.shape[1] == 1:
        return values[:, 0]
    red, green, blue = values.transpose(1, 0, 2, 3)
    return _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue


def fingerprints(pixels: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a 64-bit difference hash of each picture (N, C, H, W): whether it gets brighter from left to right.

    Eight rows of nine means; a bit for each step. (Krawetz 2013, "Kind of Like That", hackerfactor.com.)
    """
    height, width = pixels.shape[2:]
    means = _average(height, 8) @ brightness(pixels) @ _average(width, 9).T
    brighter = (means[:, :, 1:] > means[:, :, :-1] + 0.5).reshape(len(pixels), 64)
    prints: NDArray[np.uint64] = (brighter * _BITS).sum(axis=1, dtype=np.uint64)
    return prints


def near_pairs(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the pairs (P, 2) of places in two lists of different fingerprints that differ in at most `NEAR` bits.

    Of four stretches of 16 bits, one at least is the same in such a pair: only those are compared.
    """
    pairs = []
    for shift in (0, 16, 32, 48):
        ours, theirs = ((values >> np.uint64(shift)) & np.uint64(0xFFFF) for values in (one, other))
        order = np.argsort(theirs, kind="stable")
        first, last = (np.searchsorted(theirs[order], ours, side) for side in ("left", "right"))
        for part in np.array_split(np.arange(len(one)), len(one) // 256 + 1):
            counts = last[part] - first[part]
            left = np.repeat(part, counts)
            right = order[np.repeat(first[part] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
            near = np.bitwise_count(one[left] ^ other[right]) <= NEAR
            pairs.append(np.stack([left[near], right[near]], axis=1))
    return np.unique(np.concatenate(pairs), axis=0)


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures (N, C, H, W) at a whole fraction of their size, at least `ENOUGH` a side, as means of squares.

    Smaller ones are returned as they are; of a side that is no multiple, the last few pixels are left out.
    """
    factor = max(1, min(pixels.shape[2:]) // ENOUGH)
    height, width = (side // factor * factor for side in pixels.shape[2:])
    total = np.zeros((*pixels.shape[:2], height // factor, width // factor), np.uint32)
    for row in range(factor):
        for column in range(factor):
            total += pixels[:, :, row:height:factor, column:width:factor]
    return total.astype(np.float32) / factor**2


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say of pairs of pictures, both (N, C, H, W), whether their brightness has nearly the same course.

    Of large pictures copies are compared that are `shrunk`: finer detail, which also differs between two files of one
    picture, does not count.
    """
    one_small, other_small = shrunk(one), shrunk(other)
    a, b = (brightness(pixels).reshape(len(pixels), -1) for pixels in (one_small, other_small))
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (a, b))
    deviations = a.std(axis=1), b.std(axis=1)
    flat = np.maximum(*deviations) < FLAT
    correlation = (a * b).mean(axis=1) / np.maximum(deviations[0] * deviations[1], 1e-6)
    same_ground = np.abs(one_small.mean(axis=(1, 2, 3)) - other_small.mean(axis=(1, 2, 3))) < FLAT
    return np.where(flat, same_ground, correlation >= ALIKE)
