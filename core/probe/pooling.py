"""One window of a pooling layer: its inputs, and which of them is the output."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ConvScopeError
from core.model.layers import AvgPool, MaxPool


@dataclass(frozen=True, eq=False)
class PoolingWindow:
    """The window behind one unit of a pooling layer.

    Attributes:
        box: (top, left, bottom, right) of the window on the map before pooling, cut at its edge; bottom and
            right are exclusive.
        values: The numbers in it, float (bottom − top, right − left).
        padding: How many places of the window lie in the border around the map.
        result: What comes out: the largest number, or the mean with the border counted as zeros.
        winner: Row and column, on the map, of the first largest number; None for a mean.
    """

    box: tuple[int, int, int, int]
    values: NDArray[np.float64]
    padding: int
    result: float
    winner: tuple[int, int] | None


def pool_window(channel: ArrayLike, layer: MaxPool | AvgPool, row: int, col: int) -> PoolingWindow:
    """Return the window behind one unit of a pooling layer.

    Args:
        channel: One channel before pooling, float (H, W).
        layer: The pooling layer.
        row, col: The unit's place on the map after pooling, 0 at the top left.

    Raises:
        ConvScopeError: The map after pooling has no such place.
    """
    before = np.asarray(channel, dtype=np.float64)
    top, left = row * layer.stride - layer.padding, col * layer.stride - layer.padding
    room = [size + layer.padding - layer.kernel_size for size in before.shape]
    if row < 0 or col < 0 or top > room[0] or left > room[1]:
        raise ConvScopeError(f"The map after pooling has no row {row}, column {col}: choose a place on it.")
    bottom, right = min(top + layer.kernel_size, before.shape[0]), min(left + layer.kernel_size, before.shape[1])
    top, left = max(top, 0), max(left, 0)
    values = before[top:bottom, left:right]
    size = layer.kernel_size**2
    if isinstance(layer, AvgPool):
        return PoolingWindow((top, left, bottom, right), values, size - values.size, float(values.sum() / size), None)
    at = np.unravel_index(values.argmax(), values.shape)
    winner = (top + int(at[0]), left + int(at[1]))
    return PoolingWindow((top, left, bottom, right), values, size - values.size, float(values[at]), winner)
