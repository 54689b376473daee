"""Deletion and insertion curves: probability of a class as pixels are removed or shown in the order of a heatmap."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.metrics.validate import target_probabilities, validated_heatmap
from core.explain.request import baseline
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size
from core.progress import Progress

FILLS = {"mean": "Mean colour", "blur": "Blurred picture"}
BETTER: dict[str, Literal["lower", "higher"]] = {"deletion": "lower", "insertion": "higher"}  # areas under the curve


def order(heatmap: NDArray[np.float64], seed: int = 0) -> Tensor:
    """Return each pixel's rank, int64 (H, W): 0 for the largest value; ties are in random order."""
    chance = np.random.default_rng(seed).random(heatmap.size)
    places = np.empty(heatmap.size, dtype=np.int64)
    places[np.lexsort((chance, -heatmap.ravel()))] = np.arange(heatmap.size)
    return torch.from_numpy(places.reshape(heatmap.shape))


def filling(image: Tensor, fill: str) -> Tensor:
    """Return the replacement of removed pixels for an image (C, H, W): zero after normalising, or a strong blur.

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
    places = order(validated_heatmap(heatmap, tuple(image.shape)), seed)
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


STEPS, RANDOM_ORDERS, NUM_SHIFTS = 50, 8, 20


@dataclass(frozen=True, eq=False)
class RemovalCurve:
    """A deletion or insertion curve: the probability of a class against the share of pixels.

    Attributes:
        mode: Key of `BETTER`, which says whether a small or a large area speaks for the map.
        shares: (S,) growing from 0 to 1: of the pixels, those that have been changed.
        probabilities: (S,) of the class, 0 to 1.
    """

    mode: str
    shares: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve, 0 to 1: the mean probability on the way."""
        return float(np.trapezoid(self.probabilities, self.shares))

    def at(self, share: float) -> float:
        """Return the probability that was measured nearest to a share of the pixels."""
        return float(self.probabilities[np.abs(self.shares - share).argmin()])


@dataclass(frozen=True, eq=False)
class RandomCurves:
    """The curves of several random maps.

    Attributes:
        mode: Key of `BETTER`.
        shares: (S,) as in `RemovalCurve`.
        runs: (R, S), the probabilities of each.
    """

    mode: str
    shares: NDArray[np.float64]
    runs: NDArray[np.float64]

    @cached_property
    def mean(self) -> RemovalCurve:
        """Their mean."""
        return RemovalCurve(self.mode, self.shares, self.runs.mean(axis=0))

    @property
    def spread(self) -> NDArray[np.float64]:
        """Their standard deviation at each share, (S,)."""
        return self.runs.std(axis=0, ddof=1)

    @property
    def areas(self) -> NDArray[np.float64]:
        """The area under each, (R,)."""
        return np.asarray(np.trapezoid(self.runs, self.shares, axis=1))

    def beaten(self, area: float) -> int:
        """Return how many of them an area is better than.

        One that beats all 20 would do so by chance once in 21 times, if its map were noise.
        """
        return int((self.areas > area).sum() if BETTER[self.mode] == "lower" else (self.areas < area).sum())


@in_sentences("Deletion and insertion")
def removal_curve(
    model: nn.Module,
    image: Tensor,
    heatmap: ArrayLike,
    target: int,
    mode: str = "deletion",
    fill: str = "mean",
    *,
    versus: int | None = None,
    steps: int = STEPS,
    seed: int = 0,
    progress: Progress | None = None,
) -> RemovalCurve:
    """Return the deletion or insertion curve of a heatmap.

    Petsiuk, Das and Saenko 2018, "RISE", section 4.2, arXiv:1806.07421. The map is good if deleting what it calls
    important makes the class unlikely soon, and if inserting it makes the class likely soon.

    Args:
        model: The network; a twin of it is asked.
        image: Normalised image, float (C, H, W).
        heatmap: One value per pixel, (H, W).
        target: Index of the class.
        mode: "deletion" or "insertion".
        fill: Key of `FILLS`.
        versus: If given, the probability is that of `target` between the two classes.
        steps: Changes of the image; fewer where it has fewer pixels.
        seed: For the order of equal values.
        progress: Called with the images asked so far and those to ask; may raise.

    Raises:
        ExplainError: The map, image, a class or a choice is not usable, or a score is not finite.
    """
    places = order(validated_heatmap(heatmap, tuple(image.shape)), seed)[None]
    shares, probabilities = _walk(model, image, places, target, mode, fill, versus, steps, progress)
    return RemovalCurve(mode, shares, probabilities[0])


@in_sentences("Deletion and insertion")
def random_removal(
    model: nn.Module,
    image: Tensor,
    target: int,
    mode: str = "deletion",
    fill: str = "mean",
    *,
    versus: int | None = None,
    steps: int = STEPS,
    orders: int = RANDOM_ORDERS,
    seed: int = 0,
    progress: Progress | None = None,
) -> RandomCurves:
    """Return the curves of random orders of the pixels, at least two, drawn from `seed`: the baseline of noise."""
    size = image[0].numel()
    if size < 2 or orders < 2:
        raise ExplainError("Chance needs a picture of two pixels or more, and two orders of them or more.")
    rng = np.random.default_rng(seed)
    ranks = np.stack([rng.permutation(size) for _ in range(orders)]).reshape(orders, *image.shape[1:])
    shares, probabilities = _walk(model, image, torch.from_numpy(ranks), target, mode, fill, versus, steps, progress)
    return RandomCurves(mode, shares, probabilities)


@in_sentences("Deletion and insertion")
def shifted_removal(
    model: nn.Module,
    image: Tensor,
    heatmap: ArrayLike,
    target: int,
    mode: str = "deletion",
    fill: str = "mean",
    *,
    versus: int | None = None,
    steps: int = STEPS,
    places: int = NUM_SHIFTS,
    seed: int = 0,
    progress: Progress | None = None,
) -> RandomCurves:
    """Return the curves of the map circularly shifted by offsets drawn from `seed`.

    Single pixels here and there harm some networks more than any patch does, so that noise beats every smooth map
    at deletion. The map at other places is as smooth as it is at its own: what is left is whether the place is right.
    """
    values = validated_heatmap(heatmap, tuple(image.shape))
    shifts = np.random.default_rng(seed).choice(np.arange(1, values.size), min(places, values.size - 1), replace=False)
    if len(shifts) < 2:
        raise ExplainError("Chance needs a picture of three pixels or more, and two places or more.")
    width = values.shape[1]
    ranks = [order(np.roll(values, divmod(int(shift), width), axis=(0, 1)), seed) for shift in shifts]
    shares, probabilities = _walk(model, image, torch.stack(ranks), target, mode, fill, versus, steps, progress)
    return RandomCurves(mode, shares, probabilities)


def _walk(
    model: nn.Module,
    image: Tensor,
    places: Tensor,
    target: int,
    mode: str,
    fill: str,
    versus: int | None,
    steps: int,
    progress: Progress | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares (S,) and, for each of the orders (R, H, W), the probabilities (R, S), asked in batches."""
    start, end = ends(image, fill, mode)
    counts = torch.linspace(0, start[0].numel(), max(1, steps) + 1).round().long().unique()
    which = torch.cartesian_prod(torch.arange(len(places)), counts)
    twin, parts = shallow_copy_for_hooks(model), list[Tensor]()
    for part in which.split(batch_size(start[None])):
        gone = places[part[:, 0]] < part[:, 1, None, None]
        parts.append(target_probabilities(twin, torch.where(gone[:, None], end, start), target, versus))
        if progress is not None:
            progress(sum(map(len, parts)), len(which))
    probabilities = torch.cat(parts).double().reshape(len(places), len(counts)).numpy()
    return counts.double().numpy() / start[0].numel(), probabilities
