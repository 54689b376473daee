"""Small pictures of a network in training: a few images with its predictions, its filters and its feature maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.figures.grids import colorize, filters_as_rgb
from core.figures.palette import Pixels
from core.figures.scales import ColorScale

MAX_TILES = 64
MAX_SIDE = 64  # pixels of a tile; larger pictures are thinned


@dataclass(frozen=True)
class ClassProbability:
    """A predicted class: its index, its probability (0 to 1) and whether it is the true class."""

    label: int
    share: float
    true: bool


@dataclass(frozen=True, eq=False)
class Tiles:
    """Small pictures of one size, and what their colours mean.

    Attributes:
        pixels: uint8 (N, H, W, 3).
        total: How many there are of which these are the first.
        scale: The scale of all of them; None where each is a colour picture of its own.
    """

    pixels: Pixels
    total: int
    scale: ColorScale | None = None


def top_classes(
    probabilities: ArrayLike, labels: Sequence[int], top: int = 3
) -> tuple[tuple[ClassProbability, ...], ...]:
    """Return the `top` likeliest classes of each image, the likeliest first.

    Args:
        probabilities: float (N, K).
        labels: The true class of each of the N images.
        top: How many.
    """
    array = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-array, axis=1, kind="stable")[:, :top]
    return tuple(
        tuple(ClassProbability(int(label), float(row[label]), int(label) == true) for label in best)
        for row, best, true in zip(array, order, labels, strict=True)
    )


def images_to_follow(labels: ArrayLike, num_classes: int, count: int = 8, seed: int = 0) -> tuple[int, ...]:
    """Return the indices of images to follow: one of each of the first classes, several where there are few classes.

    Args:
        labels: The classes of all images, int (N,).
        num_classes: How many classes there are.
        count: How many images; fewer if there are no more.
        seed: 0 takes the first images of each class, any other seed draws them.

    Returns:
        Their places, ordered by class.
    """
    array = np.asarray(labels)
    random = np.random.default_rng(seed)
    queues = [np.flatnonzero(array == label) for label in range(num_classes)]
    if seed:
        queues = [random.permutation(queue) for queue in queues]
    rounds = [[int(queue[turn]) for queue in queues if turn < len(queue)] for turn in range(count)]
    chosen = [place for turn in rounds for place in turn][:count]
    return tuple(sorted(chosen, key=lambda place: (int(array[place]), chosen.index(place))))


def image_tiles(images: NDArray[np.uint8]) -> Tiles:
    """Return images as they are, uint8 (N, C, H, W) with one or three channels."""
    thin = _thinned(images)
    pixels = np.broadcast_to(thin, (len(thin), 3, *thin.shape[2:])).transpose(0, 2, 3, 1)
    return Tiles(np.ascontiguousarray(pixels), len(images))


def filter_tiles(weights: ArrayLike) -> Tiles:
    """Return the first filters of a convolution, float (N, C, kH, kW).

    Over three channels each is a mix of colours, scaled by itself (see `filters_as_rgb`). Of any other number,
    each shows its kernel for the channel that it weighs most; all have one scale.
    """
    array = np.asarray(weights, dtype=np.float64)
    filters = array[:MAX_TILES]
    if array.shape[1] == 3:
        return Tiles(filters_as_rgb(filters), len(array))
    strongest = np.linalg.norm(filters, axis=(2, 3)).argmax(axis=1)
    scale = ColorScale.of(array, percentile=99, signed=True)
    return Tiles(colorize(filters[np.arange(len(filters)), strongest], scale), len(array), scale)


def map_tiles(maps: ArrayLike) -> Tiles:
    """Return the first maps of a layer, float (C, H, W), in one scale."""
    array = np.asarray(maps)
    scale = ColorScale.of(array, percentile=99.5)
    return Tiles(colorize(_thinned(array[:MAX_TILES]), scale), len(array), scale)


def _thinned(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (…, H, W) subsampled to at most `MAX_SIDE` pixels a side, by every k-th row and column."""
    step = -(-max(pictures.shape[-2:]) // MAX_SIDE)
    return pictures[..., ::step, ::step]
