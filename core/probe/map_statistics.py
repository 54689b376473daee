"""Minimum, maximum, mean, share of zeros and histogram of feature maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """What the numbers of each of C maps are; those that are not finite are not looked at.

    Attributes:
        minimum: Smallest number, float64 (C,); NaN where no number of the map is finite, as in the next two.
        maximum: Largest number, (C,).
        mean: Mean, (C,).
        zero_share: Share of exact zeros among all numbers, (C,), 0 to 1.
        counts: Numbers in each bin, int64 (C, bins).
        edges: Edges of the bins, (bins + 1,), from the smallest to the largest number of all maps.
    """

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    zero_share: NDArray[np.float64]
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]


def map_statistics(maps: ArrayLike, bins: int = 20) -> MapStatistics:
    """Return the statistics of maps (C, …): their histograms share their bins, so that they can be compared."""
    values = np.asarray(maps, dtype=np.float64)
    values = values.reshape(len(values), -1)
    finite = np.isfinite(values)
    seen = values[finite]
    edges = np.histogram_bin_edges(seen, bins) if seen.size else np.linspace(0, 1, bins + 1)
    known = np.ma.masked_array(values, ~finite)
    minimum, maximum, mean = (
        np.ma.filled(each.astype(np.float64), np.nan) for each in (known.min(1), known.max(1), known.mean(1))
    )
    counts = np.stack([np.histogram(row[mask], edges)[0] for row, mask in zip(values, finite, strict=True)])
    return MapStatistics(minimum, maximum, mean, (values == 0).mean(axis=1), counts, edges)
