"""t-SNE by openTSNE with progress and cancellation."""

import numpy as np
from numpy.typing import NDArray

from core.errors import ConvScopeError
from core.progress import Progress

Floats = NDArray[np.float32]
_EXAGGERATION_STEPS = 250  # steps
_PROGRESS_STEPS = 10  # steps


def tsne_with_progress(
    rows: Floats, *, perplexity: float, exaggeration: float, steps: int, start: Floats, progress: Progress | None
) -> Floats:
    """Return the t-SNE map of rows (N, D): float32 (N, 2), the same for the same rows and start.

    The descent is that of Barnes and Hut, in one thread, with as many exaggerated steps as scikit-learn takes.

    Args:
        rows: Finite and not all the same.
        perplexity: At most (N - 1) / 3.
        exaggeration: By how much neighbours attract one another more in the first 250 steps.
        steps: All of them.
        start: Where the rows begin, (N, 2).
        progress: Called every ten steps with those done and all; what it raises ends the work.

    Raises:
        ConvScopeError: Places or neighbourhoods are no longer finite.
    """
    from openTSNE import TSNEEmbedding  # this late: it takes a moment
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors
    from sklearn.neighbors import NearestNeighbors

    count = min(len(rows) - 1, int(3 * perplexity + 1))
    distances, neighbors = NearestNeighbors(n_neighbors=count, n_jobs=1).fit(rows).kneighbors()
    affinities = PerplexityBasedNN(
        perplexity=perplexity, knn_index=PrecomputedNeighbors(neighbors, distances.astype(np.float64)), n_jobs=1
    )
    check_places(affinities.P.data)
    embedding = TSNEEmbedding(start.astype(np.float64), affinities, negative_gradient_method="bh", n_jobs=1)
    done = 0

    def tell(step: int, divergence: float, places: NDArray[np.float64]) -> None:
        check_places(places)
        if progress is not None:
            progress(done + step, steps)

    for number, factor, momentum in ((_EXAGGERATION_STEPS, exaggeration, 0.5), (steps - _EXAGGERATION_STEPS, 1.0, 0.8)):
        embedding.optimize(
            number,
            exaggeration=factor,
            momentum=momentum,
            inplace=True,
            callbacks=tell,
            callbacks_every_iters=_PROGRESS_STEPS,
        )
        done += number
    return np.asarray(embedding, dtype=np.float32)


def check_places(values: NDArray[np.floating]) -> None:
    """Raise `ConvScopeError` unless all values are finite."""
    if not np.isfinite(values).all():
        raise ConvScopeError("t-SNE ran away on these numbers: choose another layout, another layer or another epoch.")
