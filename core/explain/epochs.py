"""Explanations of one image at every epoch of a training, and their similarity to the last."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import ConvScopeError
from core.explain.strength import CLEAR, Strength, strength_of
from core.progress import Progress

if TYPE_CHECKING:
    from core.explain.attribution import Attribution
    from core.explain.metrics.completeness import CompletenessGap

Floats = NDArray[np.float32]
ALIKE = 0.9  # rank correlation from which on two maps count as alike
_PARTS_PER_EPOCH = 1000  # of the progress of one epoch


@dataclass(frozen=True, eq=False)
class EpochExplanation:
    """The prediction and the heatmap of one epoch's network for an image.

    Attributes:
        epoch: After which epoch, 0 for the untrained network; None for weights later than the last whole epoch.
        heatmap: One value per pixel, float32 (H, W).
        signed: Whether its negative values mean something.
        score: The logit that was explained.
        probabilities: Of each class, float32 (K,).
        gap: How the sum of the map's values compares with what its method promises, if it does.
        strength: How much the map says of the score.
    """

    epoch: int | None
    heatmap: Floats
    signed: bool
    score: float
    probabilities: Floats
    gap: "CompletenessGap | None" = None
    strength: Strength = CLEAR

    @property
    def blank(self) -> bool:
        """Whether every pixel has the same value, so that the map says nothing."""
        return bool((self.heatmap == self.heatmap.flat[0]).all())


@dataclass(frozen=True)
class MissingEpoch:
    """An epoch without an explanation: the reason in one sentence, and whether it may work later."""

    epoch: int | None
    reason: str
    may_pass: bool = field(default=False, compare=False)


def explain_epochs(
    epochs: Sequence[int | None],
    explain: Callable[[int | None, Progress], "Attribution"],
    probabilities: Callable[[int | None], Floats],
    *,
    progress: Progress | None = None,
) -> Iterator[EpochExplanation | MissingEpoch]:
    """Yield the explanation of one image at each epoch; an epoch that fails becomes `MissingEpoch`.

    Args:
        epochs: Which, in order, as a run store gives them; None for the latest weights.
        explain: Returns the attribution of an epoch; it may tell its own progress.
        probabilities: Returns the probability of each class (K,) at an epoch.
        progress: Told of thousandths of an epoch: (done, total). It may raise to end the course.

    Yields:
        A moment for each epoch, in order, or a gap in its place.
    """
    from core.explain.attribution import heatmap

    tell, total = progress or (lambda done, total: None), _PARTS_PER_EPOCH * len(epochs)
    for number, epoch in enumerate(epochs):
        first = _PARTS_PER_EPOCH * number
        tell(first, total)

        def inside(done: int, of: int, first: int = first) -> None:
            tell(first + _PARTS_PER_EPOCH * min(done, of) // max(1, of), total)

        try:
            attribution = explain(epoch, inside)
            values = heatmap(attribution).numpy().astype(np.float32)
            likely = np.asarray(probabilities(epoch), dtype=np.float32)
            yield EpochExplanation(
                epoch,
                values,
                attribution.signed,
                attribution.score,
                likely,
                attribution.gap,
                strength_of(attribution),
            )
        except ConvScopeError as error:
            yield MissingEpoch(epoch, str(error), error.may_pass)
    tell(total, total)


def thinned(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """Return at most `most` (2 or more) of the epochs, spread evenly, with the first and the last."""
    if len(epochs) <= most:
        return tuple(epochs)
    return tuple(epochs[round(place)] for place in np.linspace(0, len(epochs) - 1, most))


def similarity_to_last(moments: Sequence[EpochExplanation | MissingEpoch]) -> tuple[float | None, ...]:
    """Return how alike the map of each moment is to that of the last: the rank correlation of their pixels.

    Spearman's, from −1 to 1, of the signed values as they are. None where there is no map or it is blank: what is the
    same everywhere has no order.
    """
    from scipy.stats import spearmanr

    maps = [None if isinstance(moment, MissingEpoch) or moment.blank else moment.heatmap.ravel() for moment in moments]
    last = maps[-1] if maps else None
    return tuple(
        None if last is None or values is None else float(spearmanr(values, last).statistic) for values in maps
    )


def settled(values: Sequence[float | None], least: float = ALIKE) -> int | None:
    """Return the place from which on all values are at least `least`; None if only the last one is, or none."""
    place = len(values)
    while place and (value := values[place - 1]) is not None and value >= least:
        place -= 1
    return place if place < len(values) - 1 else None


def share_inside(values: Floats, mask: NDArray[np.bool_]) -> float | None:
    """Return how much of a heatmap lies on the object: the share of its positive values, 0 to 1.

    A map that knows nothing gets the share of the picture that the object covers. None where nothing is positive.
    The relevance mass accuracy of Arras, Osman and Samek 2022 (doi:10.1016/j.inffus.2021.11.008).

    Args:
        values: Float (H, W).
        mask: True on the object, (H, W).
    """
    if values.shape != mask.shape:
        raise ValueError(f"a mask of shape {mask.shape} does not fit a heatmap of {values.shape}")
    positive = np.clip(values.astype(np.float64), 0, None)
    total = float(positive.sum())
    return float(positive[mask].sum()) / total if total else None
