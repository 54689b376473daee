"""Dimensionality reduction to two dimensions by PCA, t-SNE or UMAP, and Procrustes alignment of two maps."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from core.errors import ConvScopeError
from core.probe.embedding.conditioning import conditioned
from core.progress import Progress

Floats = NDArray[np.float32]
MIN_POINTS = 8  # points that make a map
PCA_COMPONENTS = 50  # principal components that t-SNE and UMAP work on, as both papers' authors do
PERPLEXITY = 30.0
NEIGHBORS = 15
STEPS = 1000  # of t-SNE's descent
EARLY_EXAGGERATION, CONTINUED_EXAGGERATION = 12.0, 4.0  # early exaggeration
CONTINUED_STEPS = 500  # where it goes on from another map: as trustworthy, and the points move less
MAX_EXTENT = 1e3  # of a map that t-SNE goes on from, in its units


_FAILED = "{} found no map of these numbers: choose another layout, another layer or another epoch."


class Layout(Protocol):
    """A function from rows (N, D) to the plane (N, 2), initialised at a start (N, 2) if there is one."""

    def __call__(self, rows: Floats, seed: int, start: Floats | None, progress: Progress | None) -> Floats: ...


@dataclass(frozen=True)
class Projection:
    """A method of dimensionality reduction.

    Attributes:
        title: Its name on the screen.
        words: How to read its map, a sentence or two.
        seconds: Roughly how long 1,000 rows take on one core.
        run: Does it, for rows that are conditioned.
        neighborly: Whether it works on the nearest neighbours of each row, of which there must be some.
    """

    title: str
    words: str
    seconds: float
    run: Layout
    neighborly: bool = True


def project(
    rows: Floats, method: str, *, seed: int = 0, start: Floats | None = None, progress: Progress | None = None
) -> Floats:
    """Return the projection of rows to the plane; the same rows and seed give the same map.

    No native code is called with rows that are not finite, have no spread or lie outside a safe range; rows that are
    the same are laid out once and share their place.

    Args:
        rows: Float (N, D).
        method: A key of `PROJECTIONS`.
        seed: Of the random numbers, where it needs some.
        start: (N, 2), where t-SNE and UMAP begin, for instance the map of the epoch before; ignored unless finite.
        progress: Called often as progress(done, total); it may raise.

    Returns:
        Finite float32 (N, 2).

    Raises:
        ConvScopeError: There are too few rows or too few different ones, some value is not finite, all rows are the
            same but for rounding, or the method fails.
    """
    if len(rows) < MIN_POINTS:
        raise ConvScopeError(f"A map needs at least {MIN_POINTS} images: there are {len(rows)}.")
    safe, projection = conditioned(rows), PROJECTIONS[method]
    if not safe.has_spread:
        raise ConvScopeError(
            "This layer puts out the same numbers for every image, so there is nothing to map: choose another layer "
            "or another epoch."
        )
    first, which = safe.distinct()
    if projection.neighborly and len(first) < MIN_POINTS:
        raise ConvScopeError(
            f"This layer puts out only {len(first)} different rows of numbers for these images, and {projection.title} "
            f"needs at least {MIN_POINTS}: choose PCA, another layer or another epoch."
        )
    if not projection.neighborly:
        points = safe.restored(_run(projection, safe.values, seed, None, progress))
    else:
        begin = None if start is None or not np.isfinite(start).all() else np.asarray(start, dtype=np.float32)[first]
        points = _run(projection, safe.values[first], seed, begin, progress)[which]
    if not np.isfinite(points).all():
        raise ConvScopeError(_FAILED.format(projection.title))
    return points


def _run(projection: "Projection", rows: Floats, seed: int, start: Floats | None, progress: Progress | None) -> Floats:
    """Run a projection; whatever its library raises becomes a sentence."""
    try:
        return np.asarray(projection.run(rows, seed, start, progress), dtype=np.float32)
    except ConvScopeError:
        raise
    except Exception as error:
        raise ConvScopeError(f"{_FAILED.format(projection.title)} ({type(error).__name__})") from error


def aligned(points: NDArray[np.floating], reference: NDArray[np.floating]) -> Floats:
    """Return a map rotated, mirrored and moved onto another map (orthogonal Procrustes).

    Distances inside the map stay as they are (orthogonal Procrustes: Schönemann 1966, doi:10.1007/BF02289451); to find
    the turn, each map counts by its own size.

    Args:
        points, reference: (N, 2) each, of the same things in the same order.
    """
    own, other = (each - each.mean(axis=0, dtype=np.float64) for each in (points, reference))
    turn, _ = orthogonal_procrustes(own, other)
    return np.asarray(own @ turn + reference.mean(axis=0, dtype=np.float64), dtype=np.float32)


def principal(rows: Floats, count: int, seed: int = 0) -> Floats:
    """Return the first principal components of rows (N, D): float32 (N, count), less where there are fewer."""
    from sklearn.decomposition import PCA

    count = min(count, *rows.shape)
    return np.asarray(PCA(count, random_state=seed).fit_transform(rows), dtype=np.float32)


def _pca(rows: Floats, seed: int, start: Floats | None, progress: Progress | None) -> Floats:
    if progress is not None:
        progress(0, 1)
    components = principal(rows, 2, seed)
    if progress is not None:
        progress(1, 1)
    return components if components.shape[1] == 2 else np.pad(components, ((0, 0), (0, 1)))


def _tsne(rows: Floats, seed: int, start: Floats | None, progress: Progress | None) -> Floats:
    from core.probe.embedding.tsne import tsne_with_progress

    reduced, on = principal(rows, PCA_COMPONENTS, seed), start is not None and bool(np.ptp(start, axis=0).any())
    return tsne_with_progress(
        reduced,
        perplexity=min(PERPLEXITY, (len(rows) - 1) / 3),
        exaggeration=CONTINUED_EXAGGERATION if on else EARLY_EXAGGERATION,
        steps=CONTINUED_STEPS if on else STEPS,
        start=_centred(start) if start is not None and on else _shrunk(_pca(reduced, seed, None, None)),
        progress=progress,
    )


def _umap(rows: Floats, seed: int, start: Floats | None, progress: Progress | None) -> Floats:
    from core.probe.embedding.umap import umap_with_progress

    reduced, neighbors = principal(rows, PCA_COMPONENTS, seed), min(NEIGHBORS, len(rows) - 1)
    begin = None if start is None or not np.ptp(start, axis=0).all() else start
    return umap_with_progress(reduced, neighbors=neighbors, seed=seed, start=begin, progress=progress)


def _shrunk(start: Floats) -> Floats:
    """Shrink a map to the size from which t-SNE unfolds, as scikit-learn does (Kobak and Berens 2019)."""
    width = float(start[:, 0].std())
    if not np.isfinite(width) or width <= 0:
        raise ConvScopeError(_FAILED.format("t-SNE"))
    return np.ascontiguousarray(start / width * 1e-4, dtype=np.float32)


def _centred(start: Floats) -> Floats:
    """Return a map centred and scaled into the range of t-SNE's own maps, as its initialisation."""
    centred = start - start.mean(axis=0, dtype=np.float64)
    return np.ascontiguousarray(centred / max(1.0, float(np.abs(centred).max()) / MAX_EXTENT), dtype=np.float32)


PROJECTIONS: dict[str, Projection] = {
    "pca": Projection(
        "PCA",
        "The two directions in which the layer's numbers differ most: a plain shadow, so distances can be trusted as "
        "far as the two directions hold most of the differences.",
        0.1,
        _pca,
        neighborly=False,
    ),
    "tsne": Projection(
        "t-SNE",
        "Images that are near one another in the layer are near one another here; how large a group is and how far "
        "apart two groups lie means nothing (van der Maaten and Hinton 2008).",
        7.0,
        _tsne,
    ),
    "umap": Projection(
        "UMAP",
        "Neighbours stay neighbours, and groups that touch stay closer than groups that do not; sizes and gaps "
        "still mean little (McInnes et al. 2018, arXiv:1802.03426).",
        5.0,
        _umap,
    ),
}
