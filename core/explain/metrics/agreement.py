"""Agreement of several methods' heatmaps for one image: rank correlation, overlap of top pixels, disputed pixels.

Methods have different units, and some tell no sign, so ranks of sizes are compared: which pixels matter more, be it
for the class or against it. Where two methods both tell signs, their signed values are compared as well.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft2, rfft2
from scipy.stats import rankdata, spearmanr

from core.errors import ExplainError
from core.failures import in_sentences

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


TOP_SHARE = 0.1  # of the pixels: the top of a map
CHANCE_PERCENTILE = 95  # of 100 shifts stay below what is called chance
VOTING_SHARE = 0.5  # a method has a say in the sign of the pixels of its larger half


@dataclass(frozen=True, eq=False)
class Agreement:
    """The agreement of M heatmaps of one picture.

    Chance is what the same two maps reach when one is shifted against the other, whatever leaves at one edge coming
    back at the opposite one: that keeps how smooth each is, which two random maps of single pixels would not.

    Attributes:
        methods: The maps that were compared, in the order given.
        left_out: Those that cannot be compared, with the reason in words.
        correlation: Spearman's rank correlation of the sizes, −1 to 1, (M, M).
        signed_correlation: The same of the signed values; NaN where one of the two tells no sign, (M, M).
        correlation_chance: What 95 of 100 shifts of one map stay below, (M, M); their mean is 0.
        signed_chance: The same of the signed values; NaN as there, (M, M).
        overlap: Intersection over union of the top pixels, 0 to 1, (M, M).
        overlap_chance: What 95 of 100 shifts stay below, (M, M).
        dispute: Spread of the maps' ranks at each pixel, float (H, W): their standard deviation, each map's ranks
            running from 0 (smallest) to 1 (largest). 0: all agree; 0.5: half call it the largest, half the smallest.
        sign_dispute: Share of the methods with a sign that contradict the majority at each pixel, 0 to 0.5, (H, W);
            a method has a say where its size is above its median. None of fewer than two such methods.
        share: Which share of the pixels counts as the top.
    """

    methods: tuple[str, ...]
    left_out: Mapping[str, str]
    correlation: Floats
    signed_correlation: Floats
    correlation_chance: Floats
    signed_chance: Floats
    overlap: Floats
    overlap_chance: Floats
    dispute: Floats
    sign_dispute: Floats | None
    share: float

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the pairs of methods by falling rank correlation."""
        rows, columns = np.triu_indices(len(self.methods), 1)
        order = np.argsort(-self.correlation[rows, columns], kind="stable")
        return tuple((int(rows[place]), int(columns[place])) for place in order)


@in_sentences("Comparing the maps")
def agreement_of(
    maps: Mapping[str, ArrayLike],
    signed: Collection[str] = (),
    *,
    share: float = TOP_SHARE,
    left_out: Mapping[str, str] | None = None,
) -> Agreement:
    """Return the agreement of heatmaps of one picture.

    A pixel is among the top of a map if at most `share` of the pixels are larger than it: pixels as large as the
    last one that fits belong to it as well, so that no order of pixels decides; zero never belongs to it.

    Args:
        maps: The heatmaps by the names of their methods, float (H, W), all of one shape.
        signed: Which of them tell a sign.
        share: Which share of the pixels counts as the top, above 0 and at most 0.5.
        left_out: Methods that gave no map, with the reason: to be named with the others.

    Raises:
        ExplainError: Fewer than two of the maps can be compared, or their shapes differ.
    """
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in maps.items()}
    if len({array.shape for array in arrays.values()}) > 1 or any(array.ndim != 2 for array in arrays.values()):
        raise ExplainError("Only heatmaps of one size can be compared: explain the same picture with every method.")
    if not 0 < share <= 0.5:
        raise ExplainError(f"The top of a map is a share above 0 and at most 0.5 of its pixels, not {share!r}.")
    reasons = {name: reason for name, array in arrays.items() if (reason := _unusable(array, name in signed))}
    usable = {name: array for name, array in arrays.items() if name not in reasons}
    reasons = {**(left_out or {}), **reasons}
    if len(usable) < 2:
        raise ExplainError(_too_few(reasons))
    values = np.stack(list(usable.values()))
    with_sign = np.array([name in signed for name in usable])
    sizes = np.abs(values)
    sizes[~with_sign] = values[~with_sign]
    ranks = _ranks(sizes)
    both_signed = with_sign[:, None] & with_sign
    tops = np.stack([_top(size, share) for size in sizes])
    return Agreement(
        tuple(usable),
        reasons,
        _spearman(sizes),
        np.where(both_signed, _spearman(values), np.nan),
        _percentile(products_when_shifted(ranks)),
        np.where(both_signed, _percentile(products_when_shifted(_ranks(values))), np.nan),
        _overlap(tops),
        _percentile(overlaps_when_shifted(tops)),
        ((ranks - 1) / (ranks[0].size - 1)).std(axis=0),
        _sign_dispute(values[with_sign]) if with_sign.sum() > 1 else None,
        share,
    )


def _unusable(array: Floats, signed: bool) -> str:
    """Return why a map cannot be compared, or ""."""
    if not np.isfinite(array).all():
        return "it has values that are not finite numbers."
    if not array.any():
        return "it is blank, because every value is zero."
    sizes = np.abs(array) if signed else array
    return "it has the same size everywhere." if sizes.min() == sizes.max() else ""


def _too_few(left_out: Mapping[str, str]) -> str:
    reasons = [f"{name} is left out: {reason}" for name, reason in left_out.items()]
    return " ".join(["It takes two maps to compare: choose another method.", *reasons])


def _ranks(maps: Floats) -> Floats:
    return np.stack([rankdata(values).reshape(values.shape) for values in maps])


def _top(sizes: Floats, share: float) -> NDArray[np.bool_]:
    count = max(1, round(share * sizes.size))
    last = np.partition(sizes, sizes.size - count, axis=None)[sizes.size - count]
    return (sizes >= last) & (sizes != 0)


def _spearman(values: Floats) -> Floats:
    """Return the rank correlations of maps (M, H, W); NaN of one without any differences."""
    if len(values) == 2:  # scipy answers a single number then
        between = spearmanr(values[0], values[1], axis=None).statistic
        return np.array([[1.0, between], [between, 1.0]])
    correlations: Floats = np.array(spearmanr(values.reshape(len(values), -1), axis=1).statistic)
    np.fill_diagonal(correlations, 1.0)
    return correlations


def _overlap(tops: NDArray[np.bool_]) -> Floats:
    flat = tops.reshape(len(tops), -1).astype(np.float64)
    both, sizes = flat @ flat.T, flat.sum(axis=1)
    return both / np.maximum(sizes[:, None] + sizes - both, 1)


def _percentile(shifted: Mapping[tuple[int, int], Floats]) -> Floats:
    """Return the percentile of chance as a matrix (M, M) with ones on its diagonal."""
    count = max(second for _, second in shifted) + 1
    matrix = np.ones((count, count))
    for (first, second), values in shifted.items():
        matrix[first, second] = matrix[second, first] = np.percentile(values, CHANCE_PERCENTILE)
    return matrix


def _sign_dispute(values: Floats) -> Floats:
    sizes = np.abs(values)
    says = np.sign(values) * (sizes >= np.quantile(sizes, 1 - VOTING_SHARE, axis=(1, 2), keepdims=True))
    voices = np.abs(says).sum(axis=0)
    return np.where(voices > 0, (voices - np.abs(says.sum(axis=0))) / 2, 0) / np.maximum(voices, 1)
