"""Conversion of arguments to float64 arrays, and shape checks."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ConvScopeError

Floats = NDArray[np.float64]


def floats(values: ArrayLike, name: str, *dimensions: int) -> Floats:
    """Return `values` in float64 (a torch tensor is taken as it is, if it lies on the CPU and needs no gradient).

    Args:
        values: Numbers in an array of any kind.
        name: What they are called in the sentence of the error.
        dimensions: How many dimensions they may have; anything where none is said.

    Raises:
        ConvScopeError: The array has another number of dimensions.
    """
    array: Floats = np.asarray(values, dtype=np.float64)
    if dimensions and array.ndim not in dimensions:
        expected = " or ".join(str(number) for number in dimensions)
        raise ConvScopeError(f"The {name} must have {expected} dimensions, not {array.ndim} (shape {array.shape}).")
    return array


def require_shape(array: Floats, shape: tuple[int, ...], name: str) -> None:
    """Raise `ConvScopeError` with both shapes if an array does not have the expected shape."""
    if array.shape != shape:
        raise ConvScopeError(f"The {name} must have the shape {shape}, not {array.shape}.")
