"""An image without the pixels that a heatmap calls most important, or with nothing but those."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from core.errors import ExplainError
from core.explain.question import baseline
from core.explain.usable import usable_map

FILLS = {"mean": "Mean colour", "blur": "Blurred picture"}
BETTER: dict[str, Literal["lower", "higher"]] = {"deletion": "lower", "insertion": "higher"}  # areas under the curve


def order(heatmap: NDArray[np.float64], seed: int = 0) -> Tensor:
    """Return each pixel's place, int64 (H, W): 0 for the largest value; equal values are in an order of chance."""
    chance = np.random.default_rng(seed).random(heatmap.size)
    places = np.empty(heatmap.size, dtype=np.int64)
    places[np.lexsort((chance, -heatmap.ravel()))] = np.arange(heatmap.size)
    return torch.from_numpy(places.reshape(heatmap.shape))


def filling(image: Tensor, fill: str) -> Tensor:
    """Return what stands where pixels are gone, for an image (C, H, W): zero after normalising, or a strong blur.

    Raises:
        ExplainError: There is no such filling, or the image is nothing but it, so that nothing can be removed.
    """
    if fill not in FILLS:
        raise ExplainError(f"Removed pixels can be filled by {' or '.join(FILLS)}, not by {fill!r}.")
    whole = image.detach().cpu().to(torch.float32)
    empty = baseline(whole[None], fill)[0]
    if torch.allclose(empty, whole, atol=1e-5):
        raise ExplainError(
            "This picture has one colour, that of the removed pixels, so removing them changes nothing: "
            "choose another picture or filling."
        )
    return empty


def removed(
    image: Tensor, heatmap: ArrayLike, share: float, fill: str = "mean", mode: str = "deletion", *, seed: int = 0
) -> Tensor:
    """Return an image without the share of its pixels that a map calls most important, or with nothing but those.

    Args:
        image: Normalised image, float (C, H, W).
        heatmap: One value per pixel, (H, W); the largest go first.
        share: Of the pixels, 0 to 1.
        fill: Key of `FILLS`.
        mode: "deletion" or "insertion".
        seed: For the order of equal values.

    Raises:
        ExplainError: The map or a choice is not usable, or the image is nothing but the filling.
    """
    places = order(usable_map(heatmap, tuple(image.shape)), seed)
    if not 0 <= share <= 1:
        raise ExplainError(f"The share of removed pixels must be from 0 to 1, not {share}.")
    start, end = ends(image, fill, mode)
    return torch.where(places < round(share * places.numel()), end, start)


def ends(image: Tensor, fill: str, mode: str) -> tuple[Tensor, Tensor]:
    """Return the first and the last image on the way of a mode, float32 (C, H, W); raises as `filling` does."""
    if mode not in BETTER:
        raise ExplainError(f"Pixels can be changed by {' or '.join(BETTER)}, not by {mode!r}.")
    whole, empty = image.detach().cpu().to(torch.float32), filling(image, fill)
    return (whole, empty) if mode == "deletion" else (empty, whole)
