"""Out-of-distribution detection by conformal thresholds on several scores, at a stated rate of false alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from core.errors import ExplainError
from core.failures import in_sentences
from core.reliability.features import LogitsAndFeatures
from core.reliability.ood_scores import Energy, Floats, OodScore, fit_mahalanobis

FALSE_ALARM_RATE = 0.05


@dataclass(frozen=True, eq=False)
class ConformalThreshold:
    """The threshold of one score, above which an image counts as out of distribution.

    Attributes:
        score: The score.
        calibration: Its values for validation images, in ascending order, (N,).
        rank: Which of them is the limit, counted from 1.
    """

    score: OodScore
    calibration: Floats
    rank: int

    @property
    def value(self) -> float:
        """The threshold: only values above it count as out of distribution."""
        return float(self.calibration[self.rank - 1])

    def stranger_than(self, values: Floats) -> Floats:
        """Return the share of validation images whose score is lower than each of these values, 0 to 1."""
        shares: Floats = np.searchsorted(self.calibration, values, side="left") / len(self.calibration)
        return shares


@dataclass(frozen=True, eq=False)
class OodDetector:
    """Calls an image out of distribution if one of its scores exceeds its threshold.

    Attributes:
        limits: Each score with its limit.
        rate: How often images like those of the data set raise it, at most, on average.
        count: How many images the limits were learned from.
        missing: Why a score is left out, in one sentence; empty if none is.
    """

    limits: tuple[ConformalThreshold, ...]
    rate: float
    count: int
    missing: str = ""

    def each(self, inside: LogitsAndFeatures) -> NDArray[np.bool_]:
        """Return which thresholds each of N images exceeds, bool (thresholds, N)."""
        return np.stack([limit.score(inside) > limit.value for limit in self.limits])

    def raised(self, inside: LogitsAndFeatures) -> NDArray[np.bool_]:
        """Return which of N images are out of distribution, bool (N,)."""
        exceeded: NDArray[np.bool_] = np.any(self.each(inside), axis=0)
        return exceeded


@in_sentences("The alarm")
def fit_ood_detector(
    train: LogitsAndFeatures, labels: NDArray[np.integer], valid: LogitsAndFeatures, *, rate: float = FALSE_ALARM_RATE
) -> OodDetector:
    """Fit the thresholds of all scores on validation images.

    Energy and Mahalanobis distance catch different things, so both watch, each with half of the rate: together they
    raise at most `rate` false alarms (Boole's inequality). A limit is the k-th smallest of n values, k = ⌈(n + 1)(1 −
    its rate)⌉: a further image of the same kind exceeds it with a probability of at most its rate, whatever the
    distribution (Vovk et al. 2005, "Algorithmic Learning in a Random World", proposition 2.4).

    Args:
        train: Images that the network learned from; where its last layer is not dense, the energy watches alone.
        labels: Their classes, (M,).
        valid: Images of the same kind that it did not learn from.
        rate: The share of false alarms, above 0 and below 1.

    Raises:
        ExplainError: There are too few images for this rate.
    """
    scores: list[OodScore] = [Energy()]
    missing = ""
    if train.features is None:
        missing = "This network does not end in a dense layer, so distances between features are left out."
    else:
        try:
            scores.append(fit_mahalanobis(train.features, labels))
        except ExplainError as error:
            missing = str(error)
    return OodDetector(tuple(limits(scores, valid, rate)), rate, len(valid), missing)


def fewest_images(rate: float = FALSE_ALARM_RATE, scores: int = 1) -> int:
    """Return the number of validation images needed to state a rate of false alarms for so many scores together."""
    return ceil(scores / rate) - 1


def limits(scores: Sequence[OodScore], valid: LogitsAndFeatures, rate: float) -> list[ConformalThreshold]:
    """Return the threshold of each score, all of them together at one rate; see `fit_ood_detector`."""
    if not 0 < rate < 1:
        raise ExplainError(f"A rate of false alarms lies between 0 and 1, not at {rate!r}.")
    own, count = rate / len(scores), len(valid)
    rank = ceil((count + 1) * (1 - own) - 1e-9)
    if rank > count:
        fewest = fewest_images(rate, len(scores))
        raise ExplainError(
            f"To state a false-alarm rate of {rate:.3g} it takes {fewest:,} validation images, and there are "
            f"{count:,}: choose a larger data set."
        )
    return [ConformalThreshold(score, np.sort(score(valid)), rank) for score in scores]
