"""What two maps have in common by chance: every way to shift one over the other, at once by Fourier transforms."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

Floats = NDArray[np.float64]
Pairs = dict[tuple[int, int], Floats]


def products_when_shifted(maps: Floats) -> Pairs:
    """Return Pearson's correlation of each two maps for all H · W circular shifts of one against the other.

    Of ranks, that is Spearman's. The mean over the shifts is 0, because each value meets every other once.

    Args:
        maps: float (M, H, W), none of them constant.

    Returns:
        By pair of indices, the lower one first: (H, W); place (0, 0) is the correlation without a shift.
    """
    centred = maps - maps.mean(axis=(1, 2), keepdims=True)
    centred /= np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    return _correlated(centred)


def overlaps_when_shifted(masks: NDArray[np.bool_]) -> Pairs:
    """Return intersection over union of each two masks (M, H, W), for the same shifts."""
    sizes = masks.sum(axis=(1, 2))
    return {
        (first, second): both.round() / np.maximum(sizes[first] + sizes[second] - both.round(), 1)
        for (first, second), both in _correlated(masks.astype(np.float64)).items()
    }


def _correlated(maps: Floats) -> Pairs:
    spectra = rfft2(maps)
    return {
        (first, second): irfft2(spectra[first] * spectra[second].conj(), s=maps.shape[1:])
        for first, second in combinations(range(len(maps)), 2)
    }
