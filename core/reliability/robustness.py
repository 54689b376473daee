"""Stability of a prediction and of its explanation under small perturbations of the image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from core.explain.attribution import heatmap
from core.explain.metrics.sensitivity import Explain, tell_done, within
from core.explain.strength import Strength, strength_of
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import check_finite, scores
from core.progress import Progress
from core.reliability.perturbations import PERTURBATIONS, Perturbation, Pixels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PerturbedImage:
    """A perturbed picture with its logits and heatmap.

    Attributes:
        title: What was done to it.
        pixels: uint8 (C, H, W).
        logits: The network's scores, float32 (K,).
        map: The explanation of the class in question, float64 (H, W), as it lies on this very picture.
        strength: How much that map says of the score.
        rank: Spearman's correlation with the map of the unchanged picture, each place compared with itself, −1 to 1;
            None where one of the maps is the same everywhere.
    """

    title: str
    pixels: Pixels
    logits: NDArray[np.float32]
    map: Floats
    strength: Strength
    rank: float | None


@dataclass(frozen=True, eq=False)
class Stability:
    """A picture, its perturbed variants and how far prediction and heatmap stay the same.

    Attributes:
        target: The class in question.
        original: The picture as it is.
        variants: The same after each change, by its name.
    """

    target: int
    original: PerturbedImage
    variants: Mapping[str, PerturbedImage]

    @property
    def num_unchanged(self) -> int:
        """How many variants have the same predicted class as the picture."""
        answer = self.original.logits.argmax()
        return sum(variant.logits.argmax() == answer for variant in self.variants.values())

    @property
    def strengths(self) -> list[Strength]:
        """How much each map says, that of the picture first."""
        return [each.strength for each in (self.original, *self.variants.values())]

    @property
    def ranks(self) -> list[float]:
        """The rank correlations that there are."""
        return [variant.rank for variant in self.variants.values() if variant.rank is not None]


@in_sentences("Changing the picture")
def stability(
    model: nn.Module,
    pixels: Tensor,
    normalize: Callable[[Tensor], Tensor],
    target: int,
    explain: Explain,
    *,
    changes: Mapping[str, Perturbation] = PERTURBATIONS,
    progress: Progress | None = None,
) -> Stability:
    """Classify and explain a picture and its variants; the network is left unchanged.

    Args:
        model: The network; its outputs are logits.
        pixels: The picture, uint8 (C, H, W).
        normalize: Turns pixels (N, C, H, W) into what the network receives.
        target: Index of the class to explain, in all variants the same.
        explain: Makes an attribution of a network, an image and a class: `functools.partial` of `attribute`.
        changes: What is done to the picture.
        progress: Called with the parts done and all of them, `PARTS_PER_EXPLANATION` for each explanation; may raise.

    Raises:
        ExplainError: What `explain` raises, or a score is not a finite number.
    """
    start, count = pixels.numpy(), len(changes) + 1
    turned = [start, *(change.turn(start) for change in changes.values())]
    images = normalize(torch.from_numpy(np.stack(turned)))
    logits = check_finite(scores(shallow_copy_for_hooks(model), images)).numpy()
    maps, strengths = [], []
    for place, image in enumerate(images):
        attribution = explain(model, image, target, progress=within(progress, place, count))
        maps.append(np.asarray(heatmap(attribution), dtype=np.float64))
        strengths.append(strength_of(attribution))
        tell_done(progress, place + 1, count)
    original = PerturbedImage("As it is", start, logits[0], maps[0], strengths[0], 1.0)
    variants = {
        name: PerturbedImage(
            change.title,
            turned[place],
            logits[place],
            maps[place],
            strengths[place],
            _rank(maps[0], change.back(maps[place])),
        )
        for place, (name, change) in enumerate(changes.items(), start=1)
    }
    return Stability(target, original, variants)


def _rank(one: Floats, other: Floats) -> float | None:
    both = np.isfinite(one) & np.isfinite(other)
    first, second = one[both], other[both]
    if not len(first) or any((values == values[0]).all() for values in (first, second)):
        return None
    return float(spearmanr(first, second).statistic)
