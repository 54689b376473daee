"""Two-dimensional embedding of a data set's images by the features of one layer, at one epoch or over many."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.probe.embedding.conditioning import conditioned
from core.probe.embedding.layout import Floats, aligned, project
from core.probe.embedding.trust import NUM_NEIGHBORS, Neighbors, knn_accuracy, nearest
from core.probe.features import Features, layer_features
from core.progress import Progress

PARTS = 1000  # of the progress of one map
_READ, _LAID = 0.15, 0.9  # how much is done when the features are read, and when they are laid out


@dataclass(frozen=True, eq=False)
class DataMap:
    """The embedding of images by the features of one layer.

    Attributes:
        epoch: After which epoch, 0 for the untrained network; None for the latest weights.
        points: (N, 2).
        neighbors: In the layer's own space, not on the map.
        answers: The class that the network answers, int64 (N,).
        confidence: Its probability, float32 (N,).
        trustworthiness: How well neighbours on the map are neighbours in the layer, 0 to 1 (Venna and Kaski 2001).
        knn_accuracy: The share of images whose nearest neighbours in the layer vote for their class, 0 to 1.
        explained_variance: Share of the layer's variance in the two directions of a PCA; None for other layouts.
        numbers: How many numbers stand for an image.
        pooled: Whether these are the means of the layer's maps.
    """

    epoch: int | None
    points: Floats
    neighbors: Neighbors
    answers: NDArray[np.int64]
    confidence: Floats
    trustworthiness: float
    knn_accuracy: float
    explained_variance: float | None
    numbers: int
    pooled: bool


@dataclass(frozen=True)
class MissingMap:
    """An epoch without a map: the reason in one sentence, and whether it may work later."""

    epoch: int | None
    reason: str
    may_pass: bool = field(default=False, compare=False)


@dataclass(frozen=True, eq=False)
class ImageSample:
    """The images to map.

    Attributes:
        images: (N, C, H, W), whatever `normalize` takes.
        labels: Their true classes, int64 (N,).
        normalize: Makes of a batch what the network receives.
    """

    images: Tensor
    labels: Tensor
    normalize: Callable[[Tensor], Tensor] | None = None


def chosen_images(count: int, most: int, seed: int = 0) -> NDArray[np.int64]:
    """Return a random subset of at most so many indices below `count`, sorted: the same for the same seed."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False)).astype(np.int64)


@in_sentences("The map of the data")
def data_map(
    model: nn.Module,
    sample: ImageSample,
    layer: str,
    method: str,
    *,
    epoch: int | None = None,
    before: DataMap | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> DataMap:
    """Return the embedding of images by the features of a layer.

    Args:
        model: The network.
        sample: The images.
        layer: A name of `model.named_modules()`, or "input".
        method: A key of `core.probe.PROJECTIONS`.
        epoch: What to write on the map.
        before: A map of the same images to begin from, and to be turned to fit.
        seed: Of the random numbers.
        progress: Called often as progress(done, total); it may raise.

    Raises:
        ConvScopeError: The layer does not exist, its numbers are not finite or all the same, or the images too few.
    """
    reading = _part(progress, 0, _READ)
    features = layer_features(model, sample.images, layer, normalize=sample.normalize, progress=reading)
    start = None if before is None else before.points
    laid = _part(progress, _READ, _LAID)
    points = project(features.values, method, seed=seed, start=start, progress=laid)
    if before is not None:
        points = aligned(points, before.points)
    measured = _part(progress, _LAID, 1)
    neighbors = nearest(features.values)
    if measured is not None:
        measured(1, 2)
    embedding = _measured(features, points, neighbors, sample, epoch, method)
    if measured is not None:
        measured(2, 2)
    return embedding


def data_maps(
    epochs: Sequence[int | None],
    load: Callable[[int | None], nn.Module],
    sample: ImageSample,
    layer: str,
    method: str,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Iterator[DataMap | MissingMap]:
    """Yield embeddings of the same images epoch by epoch, each initialised from and aligned to the one before.

    An epoch of which no map can be made leaves a gap.

    Args:
        epochs: In order; `load` returns the network of each.
        load, sample, layer, method, seed: As for `data_map`.
        progress: Called often as progress(done, total); it may raise.
    """
    before: DataMap | None = None
    for place, epoch in enumerate(epochs):
        part = _part(progress, place / len(epochs), (place + 1) / len(epochs))
        try:
            embedding = data_map(
                load(epoch), sample, layer, method, epoch=epoch, before=before, seed=seed, progress=part
            )
        except ConvScopeError as error:
            yield MissingMap(epoch, str(error), error.may_pass)
            continue
        before = embedding
        yield embedding


def _measured(
    features: Features, points: Floats, neighbors: Neighbors, sample: ImageSample, epoch: int | None, method: str
) -> DataMap:
    values, labels = features.values, torch.as_tensor(sample.labels).numpy()
    spread = float(values.var(axis=0, dtype=np.float64).sum())
    return DataMap(
        epoch=epoch,
        points=points,
        neighbors=neighbors,
        answers=features.answers,
        confidence=features.confidence,
        trustworthiness=_trustworthiness(values, points),
        knn_accuracy=knn_accuracy(neighbors, labels),
        explained_variance=float(points.var(axis=0, dtype=np.float64).sum()) / spread if method == "pca" else None,
        numbers=values.shape[1],
        pooled=features.pooled,
    )


def _trustworthiness(values: Floats, points: Floats) -> float:
    """Return the trustworthiness of a map (N, 2) of rows (N, D)."""
    from sklearn.manifold import trustworthiness

    rows, places = conditioned(values).values, conditioned(points).values
    return float(trustworthiness(rows, places, n_neighbors=min(NUM_NEIGHBORS, (len(points) - 1) // 2)))


def _part(progress: Progress | None, first: float, last: float) -> Progress | None:
    """Return a progress callback for a part of the work."""
    if progress is None:
        return None

    def tell(done: int, total: int) -> None:
        share = first + (last - first) * (done / total if total else 0)
        progress(int(share * PARTS), PARTS)

    return tell
