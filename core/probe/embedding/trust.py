"""Nearest neighbours of rows, and the accuracy of leave-one-out k-nearest-neighbour classification."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.failures import in_sentences
from core.probe.embedding.conditioning import conditioned

NUM_NEIGHBORS = 10


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest of the other images, nearest first.

    Attributes:
        indices: int64 (N, k).
        distances: Euclidean, between the layer's numbers, float32 (N, k).
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float32]


@in_sentences("Looking for the nearest images")
def nearest(rows: NDArray[np.float32], count: int = NUM_NEIGHBORS) -> Neighbors:
    """Return the nearest other rows of each row (N, D) by Euclidean distance; identical rows find each other.

    Raises:
        ConvScopeError: A value is not a finite number.
    """
    from sklearn.neighbors import NearestNeighbors

    safe, count = conditioned(rows), min(count, len(rows) - 1)
    if count < 1:  # a single row has no others
        return Neighbors(np.zeros((len(rows), 0), np.int64), np.zeros((len(rows), 0), np.float32))
    distances, places = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(safe.values).kneighbors()
    return Neighbors(places.astype(np.int64), safe.restored(distances))


def knn_accuracy(neighbors: Neighbors, labels: NDArray[np.integer]) -> float:
    """Return the accuracy of leave-one-out k-nearest-neighbour classification, 0 to 1.

    Of classes with as many votes the first one wins.
    """
    classes = int(labels.max()) + 1
    votes = np.zeros((len(labels), classes), dtype=np.int64)
    for column in neighbors.indices.T:
        votes[np.arange(len(labels)), labels[column]] += 1
    return float((votes.argmax(axis=1) == labels).mean())
