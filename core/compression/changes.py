"""Differences between a compressed network and the original: predictions, classes, explanations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import heatmap
from core.explain.metrics.pointing_game import Rate, wilson
from core.explain.metrics.randomization import MapSimilarity, map_similarity
from core.explain.metrics.sensitivity import Explain, within
from core.explain.strength import Strength, strength_of
from core.failures import in_sentences
from core.inference.prediction import batch_size, check_finite
from core.progress import Progress
from core.significance import McNemar, mcnemar

Ints = NDArray[np.int64]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class PredictionChanges:
    """The predictions of two networks for the same N images.

    Attributes:
        labels: The true classes, int64 (N,).
        before, after: Each network's answers, int64 (N,).
        sure_before, sure_after: How probable each network holds its own answer, float32 (N,).
    """

    labels: Ints
    before: Ints
    after: Ints
    sure_before: NDArray[np.float32]
    sure_after: NDArray[np.float32]

    @property
    def accuracies(self) -> tuple[Rate, Rate]:
        """Share of right answers before and after, each with Wilson's 95% interval."""
        count = len(self.labels)
        return wilson(int((self.before == self.labels).sum()), count), wilson(
            int((self.after == self.labels).sum()), count
        )

    @property
    def flipped(self) -> Ints:
        """Indices of the images whose prediction changed: first those right before, then by confidence before."""
        places = np.flatnonzero(self.before != self.after)
        lost = self.before[places] == self.labels[places]
        return places[np.lexsort((-self.sure_before[places], ~lost))]

    @property
    def lost(self) -> int:
        """How many images only the original gets right."""
        return int(((self.before == self.labels) & (self.after != self.labels)).sum())

    @property
    def won(self) -> int:
        """How many images only the compressed network gets right."""
        return int(((self.before != self.labels) & (self.after == self.labels)).sum())

    @property
    def test(self) -> McNemar:
        """McNemar's test of the images that just one of the two gets right."""
        return mcnemar(self.lost, self.won)

    def classes(self, count: int) -> list[tuple[int, float, float]]:
        """Return for each class that has images how many there are, and the share of them right before and after."""
        rows = []
        for label in range(count):
            own = self.labels == label
            total = int(own.sum())
            right = [float((answers[own] == label).mean()) if total else 0.0 for answers in (self.before, self.after)]
            rows.append((total, right[0], right[1]))
        return rows


@in_sentences("Comparing the networks")
def compare(
    original: nn.Module, compressed: nn.Module, images: Tensor, labels: Tensor, *, progress: Tell | None = None
) -> PredictionChanges:
    """Return the predictions of two networks for the same images.

    Args:
        original, compressed: In evaluation mode; neither is changed.
        images: Normalised, float (N, C, H, W).
        labels: The true classes, (N,).
        progress: Called with how much is done; what it raises ends the work.

    Raises:
        ExplainError: The scores of one of them are not finite numbers.
    """
    logits: list[list[Tensor]] = [[], []]
    step, done = batch_size(images), 0
    for part in images.split(step):
        for answers, model in zip(logits, (original, compressed), strict=True):
            with torch.no_grad():
                answers.append(check_finite(model(part).float()).softmax(dim=1))
        done += len(part)
        if progress is not None:
            progress(done, len(images))
    sure = [torch.cat(answers).max(dim=1) for answers in logits]
    return PredictionChanges(
        labels.numpy(),
        sure[0].indices.numpy(),
        sure[1].indices.numpy(),
        sure[0].values.numpy(),
        sure[1].values.numpy(),
    )


@dataclass(frozen=True, eq=False)
class ExplanationPair:
    """One image's explanation before and after.

    Attributes:
        index: The image's number.
        target: The class that was explained to both: the original's answer.
        before, after: The maps, float64 (H, W).
        likeness: How alike they are.
        strengths: How much each of them says.
    """

    index: int
    target: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    likeness: MapSimilarity
    strengths: tuple[Strength, Strength]


@in_sentences("Explaining both networks")
def explanations(
    original: nn.Module,
    compressed: nn.Module,
    images: Tensor,
    indices: Sequence[int],
    targets: Sequence[int],
    explain: Explain,
    *,
    progress: Progress | None = None,
) -> tuple[ExplanationPair, ...]:
    """Return explanations of the same class of the same images by two networks.

    Args:
        original, compressed: In evaluation mode.
        images: Normalised, float (N, C, H, W): those to explain.
        indices: Their numbers, for the answer.
        targets: The class of each.
        explain: Makes an attribution of a network, an image and a class: `functools.partial` of `attribute`.
        progress: Called with how much is done; what it raises ends the work.

    Raises:
        ExplainError: There are no images, or what `explain` raises.
    """
    if not len(images):
        raise ExplainError("There is no image to explain: choose a split that has some.")
    pairs, count = list[ExplanationPair](), 2 * len(images)
    for place, (image, index, target) in enumerate(zip(images, indices, targets, strict=True)):
        before, after = (
            explain(model, image, target, progress=within(progress, 2 * place + side, count))
            for side, model in enumerate((original, compressed))
        )
        maps = [np.asarray(heatmap(each), dtype=np.float64) for each in (before, after)]
        strengths = strength_of(before), strength_of(after)
        pairs.append(ExplanationPair(int(index), int(target), maps[0], maps[1], map_similarity(*maps), strengths))
    return tuple(pairs)
