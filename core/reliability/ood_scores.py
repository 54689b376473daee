"""OOD scores of images: energy of the logits and Mahalanobis distance of the features; larger is less familiar."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from core.errors import ExplainError
from core.failures import in_sentences
from core.reliability.features import LogitsAndFeatures

Floats = NDArray[np.float64]
MAX_FEATURE = 1e30  # of a feature: squares of such and their sums are still finite
MAX_FEATURES = 512  # more are projected at random onto so many first


class OodScore(Protocol):
    """A measure of how far images are from the training distribution.

    Attributes:
        title: What it is called on the screen.
        about: What it looks at, in one sentence.
    """

    @property
    def title(self) -> str: ...

    @property
    def about(self) -> str: ...

    def __call__(self, inside: LogitsAndFeatures) -> Floats:
        """Return one number for each of N images, (N,)."""
        ...


@dataclass(frozen=True)
class Energy:
    """Negative log-sum-exp of the logits (Liu et al. 2020): high where all logits are small.

    Liu et al. 2020, "Energy-based Out-of-distribution Detection", equation 4 at temperature 1, arXiv:2010.03759.
    """

    title: str = "Energy"
    about: str = "The scores of all classes together: the smaller they are, the less any class finds of its own."

    def __call__(self, inside: LogitsAndFeatures) -> Floats:
        energy: Floats = -logsumexp(np.asarray(inside.logits, dtype=np.float64), axis=1)
        return energy


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """Mahalanobis distance of features to the nearest class mean (Lee et al. 2018).

    Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks",
    equation 2, arXiv:1807.03888: the least squared distance to the mean of a class, in units of the spread that all
    classes share. The spread is shrunk after Ledoit and Wolf (2004), so that it can be inverted whatever the number of
    images. Here the features are what the last layer receives.

    Attributes:
        means: Of each class that has images, (K, F).
        whitening: Turns features so that their spread is 1 in every direction, (F, F).
        projection: Applied to the features first, or None, (all features, F).
    """

    means: Floats
    whitening: Floats
    projection: Floats | None = None
    title: str = "Mahalanobis distance"
    about: str = "How far what the last layer receives lies from that of the training images of every class."

    def __call__(self, inside: LogitsAndFeatures) -> Floats:
        if inside.features is None:
            raise ExplainError("This network does not end in a dense layer, so its features have no distances.")
        features = _projected(np.asarray(inside.features, dtype=np.float64), self.projection) @ self.whitening
        centres = self.means @ self.whitening
        squares = (features**2).sum(axis=1)[:, None] - 2 * features @ centres.T + (centres**2).sum(axis=1)
        distances: Floats = np.maximum(squares, 0).min(axis=1)
        return distances


@in_sentences("The distance of features")
def fit_mahalanobis(features: NDArray[np.floating], labels: NDArray[np.integer]) -> Mahalanobis:
    """Fit class means and a shared covariance to features (N, F) with classes (N,).

    Raises:
        ExplainError: There are no images, a feature is not finite or too large to be squared, or all images have the
            same features.
    """
    from sklearn.covariance import LedoitWolf

    if not len(features) or not (np.abs(features) < MAX_FEATURE).all():  # NaN is not below it either
        raise ExplainError(
            "What the last layer receives is not finite for the training images, so no distance says a thing: choose "
            "an earlier epoch."
        )
    projection = _projection(features.shape[1])
    placed = _projected(np.asarray(features, dtype=np.float64), projection)
    classes, members = np.unique(labels, return_inverse=True)
    means = np.stack([placed[members == index].mean(axis=0) for index in range(len(classes))])
    spread = LedoitWolf(assume_centered=True).fit(placed - means[members]).covariance_
    values, axes = np.linalg.eigh(spread)
    if values.max() <= 0:
        raise ExplainError(
            "What the last layer receives is the same for all training images: no distance says a thing."
        )
    floor = values.max() * 1e-9  # a direction in which nothing ever varied has no unit of its own
    return Mahalanobis(means, axes / np.sqrt(np.maximum(values, floor)), projection)


def _projection(count: int) -> Floats | None:
    """Return a fixed Gaussian projection for features that are too many (Johnson and Lindenstrauss)."""
    if count <= MAX_FEATURES:
        return None
    return np.random.default_rng(0).normal(size=(count, MAX_FEATURES)) / np.sqrt(MAX_FEATURES)


def _projected(features: Floats, projection: Floats | None) -> Floats:
    return features if projection is None else features @ projection
