"""Validation of the metrics' arguments: image, target class and heatmap."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.request import check_class
from core.formatting import dimensions
from core.inference.prediction import scores


def validated_heatmap(heatmap: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a heatmap as float64 (H, W); raises `ExplainError` if it is constant or does not fit the image.

    Args:
        heatmap: One value per pixel, (H, W).
        shape: That of the image, (C, H, W).

    Raises:
        ExplainError: It has another size, a single pixel, values that are not finite, or one value everywhere.
    """
    values = np.asarray(heatmap, dtype=np.float64)
    if values.shape != tuple(shape[1:]):
        sizes = dimensions(values.shape), dimensions(shape[1:])
        raise ExplainError(f"A map of {sizes[0]} does not fit a picture of {sizes[1]} pixels: give it its own.")
    if values.size == 1:
        raise ExplainError("This picture has a single pixel, so a map cannot tell one from another: take a larger one.")
    if not np.isfinite(values).all():
        raise ExplainError("This map holds values that are not finite numbers: try another method or an earlier epoch.")
    if (values == values.flat[0]).all():
        kind = "blank" if values.flat[0] == 0 else "the same everywhere"
        raise ExplainError(f"This map is {kind}, so there is nothing to check: choose another method, layer or class.")
    return values


def target_logits(model: nn.Module, images: Tensor, target: int, versus: int | None = None) -> Tensor:
    """Return the score that is explained, for images (N, C, H, W): float32 (N,).

    That is the class's logit, or how far it is above that of `versus`. The model must be in eval mode.

    Raises:
        ExplainError: A class or the images are not usable, or a score is not a finite number.
    """
    logits = scores(model, images)
    usable_target(logits.shape[1], target, versus)
    return logits[:, target] if versus is None else logits[:, target] - logits[:, versus]


def target_probabilities(model: nn.Module, images: Tensor, target: int, versus: int | None = None) -> Tensor:
    """Return the probability of a class for images (N, C, H, W), or that between two classes: float32 (N,).

    The model must be in eval mode; raises `ExplainError` as `target_logits` does.
    """
    logits = scores(model, images)
    usable_target(logits.shape[1], target, versus)
    if versus is None:
        return logits.softmax(dim=1)[:, target]
    return torch.sigmoid(logits[:, target] - logits[:, versus])


def usable_target(count: int, target: int, versus: int | None = None) -> None:
    """Raise `ExplainError` unless the classes are two different ones of so many, or the first is one of them."""
    for index in (target, versus):
        if index is not None:
            check_class(index, count)
    if target == versus:
        raise ExplainError("A class cannot be explained against itself: choose another one to compare with.")


def shuffled(heatmap: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a map with its values shuffled, as a random baseline."""
    return rng.permutation(heatmap.ravel()).reshape(heatmap.shape)
