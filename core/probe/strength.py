"""How much the filters of a convolution weigh; all take its weights, float (N, C, kH, kW)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FAINT = 1e-3


def strengths(weights: ArrayLike) -> NDArray[np.float64]:
    """Return the norm of each filter, the root of the sum of its squared weights: (N,)."""
    array = np.asarray(weights, dtype=np.float64)
    return np.linalg.norm(array.reshape(len(array), -1), axis=1)


def strongest_channels(weights: ArrayLike) -> NDArray[np.intp]:
    """Return the input channel whose kernel has the largest norm in each filter: (N,)."""
    norms = np.linalg.norm(np.asarray(weights, dtype=np.float64), axis=(2, 3))
    return norms.argmax(axis=1)


def dead_filters(weights: ArrayLike) -> tuple[int, ...]:
    """Return the filters that weigh at most a thousandth of the strongest: nothing in a picture moves them."""
    norms = strengths(weights)
    return tuple(np.flatnonzero(norms <= _FAINT * norms.max()).tolist())
