"""Infidelity: how well a map predicts the change of the score when squares of the image are covered."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import captum.metrics
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.metrics.validate import shuffled, target_logits, validated_heatmap
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size
from core.progress import Progress

NUM_SQUARES, SQUARE, NUM_RANDOM_MAPS = 128, 4, 4  # a square's side is a quarter of the picture's shorter one


@dataclass(frozen=True)
class Infidelity:
    """The infidelity of a map for covered squares of the image.

    Attributes:
        value: Captum's infidelity: the mean squared error of the forecast, in squared logits, after the map was
            multiplied by the one factor that suits it best, because maps of different methods have different units.
        share: The same as a share of the mean squared change: 0 foresees everything, 1 nothing. It is 1 where that
            factor is not positive: then the map foresees the opposite.
        factor: The factor.
        random: The shares of maps with the same values at random places.
        squares: How many squares were covered, one at a time.
        side: Their width in pixels.
    """

    value: float
    share: float
    factor: float
    random: tuple[float, ...]
    squares: int
    side: int
    better: ClassVar[str] = "lower"


@in_sentences("Infidelity")
def infidelity(
    model: nn.Module,
    image: Tensor,
    values: ArrayLike,
    target: int,
    *,
    versus: int | None = None,
    squares: int = NUM_SQUARES,
    random_maps: int = NUM_RANDOM_MAPS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Infidelity:
    """Return the infidelity of a heatmap, for random squares of the image that are covered.

    Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations", arXiv:1901.09392, by square removal;
    a covered pixel is zero after normalising, and each image is asked only once.

    Args:
        model: The network; a twin of it is asked.
        image: Normalised image, float (C, H, W).
        values: The heatmap, (H, W).
        target: Index of the class.
        versus: If given, the score is that of `target` above that of this class.
        squares: How many squares, at places drawn from `seed`.
        random_maps: How many shuffled maps to compare with.
        seed: For the places and the shuffling.
        progress: Called with the images asked so far and those to ask; may raise.

    Raises:
        ExplainError: The map, image or a class is not usable, or no square changes the score.
    """
    values = validated_heatmap(values, tuple(image.shape))
    whole = image.detach().cpu().to(torch.float32)[None]
    side = max(1, min(values.shape) // SQUARE)
    masks = _masks(values.shape, side, squares, seed)
    trial = _CoveredSquares(
        whole, masks, _cached_scores(shallow_copy_for_hooks(model), target, versus, squares + 1, progress)
    )
    changes = (trial.ask(whole) - trial.ask(whole * ~masks[:, None])).double().numpy()
    if not changes.any():
        raise ExplainError("Covering squares of this picture does not change the score: choose another picture.")
    rng = np.random.default_rng([seed, 1])
    random = tuple(trial.judge(shuffled(values, rng), changes)[1] for _ in range(random_maps))
    value, share, factor = trial.judge(values, changes)
    return Infidelity(value, share, factor, random, squares, side)


@dataclass(frozen=True, eq=False)
class _CoveredSquares:
    """An image (1, C, H, W), the squares to cover (N, H, W), and the score of such images."""

    whole: Tensor
    masks: Tensor
    ask: Callable[[Tensor], Tensor]

    def judge(self, values: NDArray[np.float64], changes: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return value, share and factor of a map, as in `Infidelity`; `changes` is what each square does, (N,)."""
        foreseen = self.masks.double().flatten(1).numpy() @ values.ravel()
        factor = float(foreseen @ changes) / max(float(foreseen @ foreseen), 1e-300)
        value, most = self._captums(values, fit=True), self._captums(np.zeros_like(values), fit=False)
        return value, min(1.0, value / most) if factor > 0 else 1.0, factor

    def _captums(self, values: NDArray[np.float64], *, fit: bool) -> float:
        size = min(len(self.masks), batch_size(self.whole))
        parts = iter(self.masks.split(size))

        def cover(images: Tensor) -> tuple[Tensor, Tensor]:
            mask = next(parts)[:, None].expand_as(images)
            return mask.to(images.dtype), images * ~mask

        # A square covers all channels at once, so a pixel's value is spread over them.
        spread = torch.from_numpy(values / self.whole.shape[1]).float().expand_as(self.whole)
        with torch.no_grad():
            infidelity = captum.metrics.infidelity(
                self.ask,
                cover,
                self.whole,
                spread,
                n_perturb_samples=len(self.masks),
                max_examples_per_batch=size,
                normalize=fit,
            )
        return float(infidelity)


def _masks(shape: tuple[int, ...], side: int, count: int, seed: int) -> Tensor:
    """Return squares at random places, bool (N, H, W)."""
    rng = np.random.default_rng([seed, 0])
    masks = torch.zeros(count, *shape, dtype=torch.bool)
    for mask in masks:
        top, left = (int(rng.integers(0, size - side + 1)) for size in shape)
        mask[top : top + side, left : left + side] = True
    return masks


def _cached_scores(
    twin: nn.Module, target: int, versus: int | None, total: int, progress: Progress | None
) -> Callable[[Tensor], Tensor]:
    """Return a function from images (N, C, H, W) to what is explained (N,) that remembers its answers."""
    cache: dict[bytes, float] = {}

    def ask(images: Tensor) -> Tensor:
        keys = [hashlib.blake2b(each.numpy().tobytes()).digest() for each in images]
        new = [place for place, key in enumerate(keys) if key not in cache]
        for part in torch.tensor(new, dtype=torch.long).split(batch_size(images)) if new else ():
            answers = target_logits(twin, images[part], target, versus).tolist()
            cache.update({keys[place]: answer for place, answer in zip(part.tolist(), answers, strict=True)})
            if progress is not None:
                progress(min(len(cache), total), total)
        return torch.tensor([cache[key] for key in keys])

    return ask
