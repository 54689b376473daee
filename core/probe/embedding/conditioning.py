"""Rows centred and scaled for scikit-learn, SciPy and UMAP, whose native code does not check for overflow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ConvScopeError

Floats = NDArray[np.float32]
# Two float32 numbers that differ by less than this share of their size differ by rounding alone.
ROUNDING = 8 * float(np.finfo(np.float32).eps)
MIN_SPREAD = 8 * float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class ConditionedRows:
    """Rows centred and scaled into a range in which squares and distances neither overflow nor vanish.

    Attributes:
        values: Float32 (N, D), each column of mean 0; the largest size is at least 1 and below 2, or all are 0.
        exponent: The original rows, less their mean, are `values` times 2 to this power.
    """

    values: Floats
    exponent: int

    @property
    def has_spread(self) -> bool:
        """Whether the rows differ by more than rounding."""
        return bool(self.values.any())

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first index of each distinct row, (M,), and each row's place among these, (N,)."""
        first_of = dict[bytes, int]()
        which = [first_of.setdefault(row.tobytes(), len(first_of)) for row in self.values]
        inverse = np.asarray(which, dtype=np.int64)
        return np.unique(inverse, return_index=True)[1].astype(np.int64), inverse

    def restored(self, values: NDArray[np.floating]) -> Floats:
        """Return lengths or coordinates in the units of the original rows, at most the largest float32."""
        limit = float(np.finfo(np.float32).max)
        return np.clip(np.ldexp(values.astype(np.float64), self.exponent), -limit, limit).astype(np.float32)


def conditioned(rows: NDArray[np.floating]) -> ConditionedRows:
    """Return rows (N, D) centred and scaled by a power of two, which is exact.

    A column whose values differ by rounding alone is taken as constant.

    Raises:
        ConvScopeError: A value is not a finite number, or the rows are no table.
    """
    numbers = np.asarray(rows, dtype=np.float64)
    if numbers.ndim != 2 or not numbers.size:
        raise ConvScopeError(f"Rows of numbers are needed here, not an array of shape {numbers.shape}.")
    if not np.isfinite(numbers).all():
        raise ConvScopeError(
            "These numbers are not all finite, so no distance between them is known: choose another layer or an "
            "earlier epoch."
        )
    low, high = numbers.min(axis=0), numbers.max(axis=0)
    constant = high - low <= np.maximum(ROUNDING * np.maximum(np.abs(low), np.abs(high)), MIN_SPREAD)
    centred = np.where(constant, 0.0, numbers - numbers.mean(axis=0)) + 0.0  # no negative zeros: rows compare by bytes
    largest = float(np.abs(centred).max())
    exponent = int(np.frexp(largest)[1]) - 1 if largest else 0
    return ConditionedRows(np.ldexp(centred, -exponent).astype(np.float32) + np.float32(0), exponent)
