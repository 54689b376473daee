"""Windows with another border on each side, as windows with the same border all around."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from core.exchange.foreign.network import Array

MAX_PADDING, MAX_KERNEL = 16, 31  # of our convolution


@dataclass(frozen=True)
class Side:
    """How a window moves along one side of the maps.

    Attributes:
        size: Pixels of the side.
        kernel: Cells of the window.
        stride: Pixels from one position to the next.
        before, after: Zeros in front of the side and behind it.
        dilation: Pixels from one cell to the next.
    """

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int = 1

    @property
    def span(self) -> int:
        """Pixels across the window, the gaps of its dilation included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def outputs(self) -> int:
        """How many positions it has."""
        return (self.size + self.before + self.after - self.span) // max(1, self.stride) + 1

    def with_padding(self, padding: int) -> "Side":
        """Return the same window with this border on both sides."""
        return replace(self, before=padding, after=padding)


@dataclass(frozen=True)
class Window:
    """A square window with the same border all around."""

    kernel: int
    padding: int

    def enlarged(self, kernel: Array, rows: Side, columns: Side) -> Array:
        """Return filters (out, in, height, width) at their place in windows of this size, zero elsewhere."""
        large = np.zeros((*kernel.shape[:2], self.kernel, self.kernel), np.float32)
        down, right = self.padding - rows.before, self.padding - columns.before
        large[:, :, down : down + rows.span : rows.dilation, right : right + columns.span : columns.dilation] = kernel
        return large


def torch_same(side: Side) -> bool:
    """Say whether a border is that of torch's padding "same": the odd pixel of an even window comes behind."""
    total = side.span - 1
    return side.stride == 1 and side.before == total // 2 and side.after == total - total // 2


def common_window(rows: Side, columns: Side) -> Window | None:
    """Return the smallest square window that can do what two sides do, with zeros in its filters; None if none can."""
    least = max(rows.before, columns.before)
    for padding, kernel in product(range(least, MAX_PADDING + 1), range(1, MAX_KERNEL + 1)):
        sides = [(side, replace(side.with_padding(padding), kernel=kernel, dilation=1)) for side in (rows, columns)]
        if all(padding - side.before + side.span <= kernel and side.outputs == new.outputs for side, new in sides):
            return Window(kernel, padding)
    return None
