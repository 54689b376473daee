"""Sliding windows: the geometry shared by convolution, pooling and im2col."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from core.errors import ConvScopeError
from core.maths.arrays import Floats

Pair = int | Sequence[int]


@dataclass(frozen=True)
class Axis:
    """Windows along one side of a map, all in cells; raises `ConvScopeError` if none fits.

    Attributes:
        size: Length of the side, without its border.
        kernel: Cells of a window.
        stride: From the start of one window to the start of the next.
        before, after: Border put in front of the side and behind it.
        dilation: From one cell of a window to the next.
    """

    size: int
    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        out_size(self.size, self.kernel, self.stride, (self.before, self.after), self.dilation)

    @property
    def padded(self) -> int:
        """Length of the side with its border."""
        return self.before + self.size + self.after

    @property
    def span(self) -> int:
        """Length from a window's first cell to its last, both included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def count(self) -> int:
        """Number of windows; see `out_size`."""
        return out_size(self.size, self.kernel, self.stride, (self.before, self.after), self.dilation)

    def positions(self) -> NDArray[np.int64]:
        """Return where each cell of each window lies on the side, int (count, kernel).

        Places below 0, or from `size` on, lie in the border.
        """
        starts = np.arange(self.count, dtype=np.int64) * self.stride - self.before
        return starts[:, None] + np.arange(self.kernel, dtype=np.int64) * self.dilation


@dataclass(frozen=True)
class Windows:
    """All windows on a map: how they slide downwards (`rows`) and to the right (`cols`)."""

    rows: Axis
    cols: Axis


def out_size(size: int, kernel: int, stride: int = 1, padding: Pair = 0, dilation: int = 1) -> int:
    """Return how many windows fit along one side of a map.

    ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, as on the page of `torch.nn.Conv2d`.

    Args:
        size, kernel, stride, dilation: Cells; see `Axis`.
        padding: Border at each end, or (before, after) where they differ.

    Raises:
        ConvScopeError: None fits; the sentence shows the formula with its numbers.
    """
    before, after = pair(padding, "padding", 0)
    count = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    if count < 1:
        border = f"2·{before}" if before == after else f"{before} + {after}"
        formula = f"⌊({size} + {border} − {dilation}·({kernel} − 1) − 1) / {stride}⌋ + 1"
        raise ConvScopeError(
            f"The window is larger than the map, {formula} = {count}: "
            "choose a smaller kernel, less dilation or more padding."
        )
    return count


def pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    """Return the number for rows and the one for columns; raises `ConvScopeError` if one is below `least`."""
    try:
        down, right = value if isinstance(value, Sequence) else (value, value)
        numbers = operator.index(down), operator.index(right)
    except (TypeError, ValueError):
        raise ConvScopeError(f"{name} must be a whole number or a pair of them, not {value!r}.") from None
    if min(numbers) < least:
        raise ConvScopeError(f"{name} must be at least {least}, not {value!r}.")
    return numbers


def slide(
    shape: tuple[int, ...], kernel_size: Pair, *, stride: Pair = 1, padding: Pair | str = 0, dilation: Pair = 1
) -> Windows:
    """Return the windows on a map of `shape` (H, W).

    Args:
        shape: Height and width of the map.
        kernel_size, stride, dilation: A number, or one for rows and one for columns.
        padding: The same, or "same": as much border as keeps the map's size, the odd cell at the bottom and right
            (as `torch.nn.Conv2d` puts it).

    Raises:
        ConvScopeError: No window fits, a setting is out of its range, or "same" comes with a stride.
    """
    kernels, strides = pair(kernel_size, "kernel_size", 1), pair(stride, "stride", 1)
    dilations = pair(dilation, "dilation", 1)
    if not isinstance(padding, str):
        borders = [(border, border) for border in pair(padding, "padding", 0)]
    elif padding != "same":
        raise ConvScopeError(f"padding must be a whole number, a pair of them or 'same', not {padding!r}.")
    elif strides != (1, 1):
        raise ConvScopeError("padding 'same' needs stride 1: give the border as a number for a larger stride.")
    else:
        totals = [dilations[side] * (kernels[side] - 1) for side in (0, 1)]
        borders = [(total // 2, total - total // 2) for total in totals]
    rows, cols = (Axis(shape[side], kernels[side], strides[side], *borders[side], dilations[side]) for side in (0, 1))
    return Windows(rows, cols)


def patches(images: Floats, windows: Windows, fill: float = 0.0) -> Floats:
    """Return the contents of each window, (N, C, H', W', kH, kW), read-only; the border holds `fill`."""
    rows, cols = windows.rows, windows.cols
    borders = [(0, 0), (0, 0), (rows.before, rows.after), (cols.before, cols.after)]
    padded = np.pad(images, borders, constant_values=fill)
    dense = sliding_window_view(padded, (rows.span, cols.span), axis=(2, 3))
    return dense[:, :, :: rows.stride, :: cols.stride, :: rows.dilation, :: cols.dilation]


def spread(values: Floats, windows: Windows) -> Floats:
    """Return (N, C, H, W) in which each cell is the sum of what all windows hold for it: the adjoint of `patches`.

    Args:
        values: One number for each cell of each window, (N, C, H', W', kH, kW); those on the border are lost.
        windows: Where the windows lie.
    """
    rows, cols = windows.rows, windows.cols
    total = np.zeros((*values.shape[:2], rows.padded, cols.padded))
    for row in range(rows.kernel):
        for col in range(cols.kernel):
            down, right = row * rows.dilation, col * cols.dilation
            bottom, end = down + rows.stride * (rows.count - 1) + 1, right + cols.stride * (cols.count - 1) + 1
            total[:, :, down : bottom : rows.stride, right : end : cols.stride] += values[..., row, col]
    return total[:, :, rows.before : rows.before + rows.size, cols.before : cols.before + cols.size]


def size_formula(size: int, kernel: int, stride: int, padding: int, dilation: int, output: int) -> str:
    """Write how long one side of the output is, the formula with its numbers; `padding` is that of both ends."""
    reach = f"({dilation} · ({kernel} − 1) + 1)" if dilation > 1 else str(kernel)
    return f"⌊({size} + {padding} − {reach}) / {stride}⌋ + 1 = {output}"


@dataclass(frozen=True)
class Window:
    """How large a window is and how it moves, the same for rows and columns."""

    size: int
    stride: int
    padding: int
    dilation: int

    def count(self, side: int) -> int:
        """Return how many places it has along a side; raises `ConvScopeError` if it has none."""
        from core.maths.windows import out_size

        return out_size(side, self.size, self.stride, self.padding, self.dilation)
