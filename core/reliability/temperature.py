"""Temperature scaling (Guo et al. 2017): one number that the logits are divided by before softmax."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from core.errors import ExplainError
from core.failures import in_sentences

Floats = NDArray[np.float64]
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class Temperature:
    """The temperature by which a network's logits are divided before softmax.

    Attributes:
        value: Above 1 the network was too sure of itself, below 1 not sure enough; from 0.05 to 20.
        loss: Mean cross-entropy of the images it was fitted on, with it.
        raw_loss: The same without it.
        count: How many images those were.
    """

    value: float
    loss: float
    raw_loss: float
    count: int

    @property
    def at_limit(self) -> bool:
        """Whether the best value lies outside the range that was searched."""
        return not MIN_TEMPERATURE * 1.001 < self.value < MAX_TEMPERATURE / 1.001

    def calibrated(self, logits: NDArray[np.floating]) -> Floats:
        """Return the probability of each class for scores (..., K): the order of the classes stays the same."""
        probabilities: Floats = softmax(np.asarray(logits, dtype=np.float64) / self.value, axis=-1)
        return probabilities


@in_sentences("Calibration")
def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Temperature:
    """Fit the temperature that minimises the cross-entropy of images of known class.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, arXiv:1706.04599. The mean cross-entropy
    is convex in 1/temperature, so the one minimum is found by Brent's method.

    Args:
        logits: Scores of images that the network did not learn from, (N, K).
        labels: Their classes, (N,).

    Raises:
        ExplainError: There are no images, or scores are not finite numbers.
    """
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if not len(truth) or scores.shape[:1] != truth.shape:
        raise ExplainError("A temperature is fitted on scores of images whose classes are known: there are none.")
    if not np.isfinite(scores).all():
        raise ExplainError("The network's scores are not finite numbers, so they cannot be calibrated.")
    limits = (1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE)
    optimum = minimize_scalar(
        lambda inverse: cross_entropy(scores * inverse, truth), bounds=limits, method="bounded", options={"xatol": 1e-6}
    )
    raw = cross_entropy(scores, truth)
    if optimum.fun >= raw:  # nothing to gain: the scores stay as they are
        return Temperature(1.0, raw, raw, len(truth))
    return Temperature(float(1 / optimum.x), float(optimum.fun), raw, len(truth))


def cross_entropy(logits: Floats, labels: NDArray[np.integer]) -> float:
    """Return the mean cross-entropy of scores (N, K) against classes (N,)."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())
