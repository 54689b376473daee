"""Calibration: the reliability diagram and the expected calibration error."""

from dataclasses import dataclass

import numpy as np
from sklearn.calibration import calibration_curve

from core.evaluation.answers import Answers
from core.explain.metrics.pointing_game import Rate, wilson

BINS = 10


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram: the images whose confidence lies in its range.

    Attributes:
        low, high: The confidences, above `low` (from 0 on in the first bin) up to `high`.
        images: How many; never 0.
        confidence: Their mean confidence.
        accuracy: The share that is right, with Wilson's 95% interval.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: Rate

    @property
    def gap(self) -> float:
        """Confidence minus accuracy: positive where the network is too sure."""
        return self.confidence - self.accuracy.value


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram (Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599).

    Attributes:
        bins: Those that hold images, from the least confident on.
        expected_error: ECE (their equation 3): the mean gap by size, each bin weighted by its images, 0 to 1.
        largest_error: MCE (their equation 5): the largest gap by size.
        confidence: The mean confidence of all images.
        accuracy: The share of all images that is right.
    """

    bins: tuple[Bin, ...]
    expected_error: float
    largest_error: float
    confidence: float
    accuracy: float


def reliability(answers: Answers, bins: int = BINS) -> Reliability:
    """Return the reliability diagram of answers, in bins of equal width."""
    sure, right = answers.confidence, answers.right
    edges = np.linspace(0, 1, bins + 1)
    # scikit-learn gives only the means; a bin holds what is above its lower edge, up to its upper one.
    place = np.searchsorted(edges[1:-1], sure)
    accuracies, confidences = calibration_curve(right, sure, n_bins=bins, pos_label=True)
    counts = np.bincount(place, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    filled = tuple(
        Bin(
            float(edges[at]),
            float(edges[at + 1]),
            int(counts[at]),
            float(mean),
            wilson(round(hits[at]), int(counts[at])),
        )
        for at, mean in zip(np.flatnonzero(counts), confidences, strict=True)
    )
    gaps = np.abs(confidences - accuracies)
    weights = counts[counts > 0] / len(answers)
    return Reliability(filled, float(weights @ gaps), float(gaps.max()), float(sure.mean()), float(right.mean()))
