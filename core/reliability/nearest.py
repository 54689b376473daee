"""The training images of a network that lie nearest to a picture in its own eyes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ExplainError
from core.explain.influence import LabeledImages
from core.failures import in_sentences
from core.inference.network import Network
from core.progress import Progress
from core.reliability.features import LogitsAndFeatures, extract_features

MAX_TRAIN_IMAGES = 5000  # training images at most: the splits are stratified, so the first ones hold every class


@dataclass(frozen=True)
class NearestImage:
    """A training image near to a picture: its index, the cosine of their features (1: alike), and its class."""

    index: int
    cosine: float
    label: int


@dataclass(frozen=True, eq=False)
class TrainingFeatures:
    """What the training images are to a network before its last layer.

    Attributes:
        directions: Of each training image the direction of its features, of length 1, float16 (N, F); None where the
            network does not end in a dense layer.
        labels: The classes of these training images, (N,).
    """

    directions: NDArray[np.float16] | None
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, inside: LogitsAndFeatures, labels: NDArray[np.int64]) -> "TrainingFeatures":
        """Keep the directions of extracted features."""
        return cls(None if inside.features is None else _direction(inside.features).astype(np.float16), labels)

    def nearest(self, features: NDArray[np.floating], count: int) -> list[NearestImage]:
        """Return the nearest training images by the cosine of penultimate features.

        It is the cosine of `core.explain.similarity`, from features that are kept.

        Args:
            features: What its last layer receives for a picture, (F,).
            count: How many, the most alike first.

        Raises:
            ExplainError: The network does not end in a dense layer.
        """
        if self.directions is None:
            raise ExplainError("This network does not end in a dense layer, so no images are near in it.")
        alike = self.directions.astype(np.float32) @ _direction(np.asarray(features, dtype=np.float32)[None])[0]
        order = np.argsort(-alike, kind="stable")[:count]
        return [NearestImage(int(index), float(alike[index]), int(self.labels[index])) for index in order]


def training_images(network: Network) -> LabeledImages:
    """Return the first of the images that a network learned from; raises `ConvScopeError` if they cannot be used."""
    data = network.dataset()
    used = min(int(network.config.get("train_images", 0)) or len(data.train), MAX_TRAIN_IMAGES)
    return LabeledImages(data.train.images[:used], data.train.labels[:used], data.normalize)


@in_sentences("Looking for the nearest images")
def training_features(network: Network, *, progress: Progress | None = None) -> TrainingFeatures:
    """Return what the training images are to a network; raises `ConvScopeError` if they or it cannot be used."""
    train = training_images(network)
    inside = extract_features(network.model, train.pixels, train.normalize, progress=progress)
    return TrainingFeatures.of(inside, train.labels.numpy())


def _direction(features: NDArray[np.float32]) -> NDArray[np.float32]:
    sizes = np.linalg.norm(features, axis=1, keepdims=True)
    directions: NDArray[np.float32] = features / np.maximum(sizes, 1e-12)
    return directions
