"""Cascading randomization (sanity check): maps while layers are re-initialised from the last to the first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import heatmap
from core.explain.metrics.sensitivity import Explain, tell_done, within
from core.explain.metrics.validate import shuffled, validated_heatmap
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.random_state import seeded
from core.progress import Progress

STEPS = 8  # of a cascade at most: of a deep network several layers are forgotten at a time
_WINDOW = 7  # of the structural similarity, scikit-image's own


@dataclass(frozen=True)
class MapSimilarity:
    """The similarity of two maps of one image.

    Attributes:
        rank: Spearman's rank correlation of the pixels, −1 to 1; None where one of the maps is the same everywhere.
        ssim: Structural similarity of the maps, each divided by its largest size, −1 to 1 (Wang et al. 2004); None
            where `rank` is, or where the image is smaller than its window.
    """

    rank: float | None
    ssim: float | None
    better: ClassVar[str] = "lower"


@dataclass(frozen=True, eq=False)
class RandomizationStep:
    """The map after some more layers were re-initialised.

    Attributes:
        layers: Those forgotten in this step, from the last to the first; the steps before it stay in force.
        map: Of the network that is left, float64 (H, W).
        likeness: To the map of the network as it was trained.
    """

    layers: tuple[str, ...]
    map: NDArray[np.float64]
    likeness: MapSimilarity


@dataclass(frozen=True, eq=False)
class RandomizationCascade:
    """A map and its maps under cascading randomization.

    Attributes:
        original: The map of the network as it was trained, float64 (H, W).
        steps: From the last layers to all of them.
        chance: How alike a map is that has the same values at random places.
    """

    original: NDArray[np.float64]
    steps: tuple[RandomizationStep, ...]
    chance: MapSimilarity


@in_sentences("Comparing two maps")
def map_similarity(one: ArrayLike, other: ArrayLike) -> MapSimilarity:
    """Return the similarity of two maps (H, W)."""
    first, second = (np.asarray(values, dtype=np.float64) for values in (one, other))
    if any((values == values.flat[0]).all() for values in (first, second)):
        return MapSimilarity(None, None)
    rank = float(spearmanr(first.ravel(), second.ravel()).statistic)
    window = min(_WINDOW, *first.shape)
    window -= 1 - window % 2
    if window < 3:
        return MapSimilarity(rank, None)
    first, second = (values / np.abs(values).max() for values in (first, second))
    low = min(first.min(), second.min(), 0.0)
    similarity = structural_similarity(first, second, win_size=window, data_range=1 - low)
    return MapSimilarity(rank, float(similarity))


def initializable_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the layers that PyTorch can re-initialise, in order."""
    return tuple(
        name
        for name, module in model.named_modules()
        if callable(getattr(module, "reset_parameters", None)) and any(True for _ in module.parameters(recurse=False))
    )


@in_sentences("Forgetting layers")
def reinitialized(model: nn.Module, layers: Sequence[str], seed: int = 0) -> nn.Module:
    """Return a copy in which some layers are re-initialised by PyTorch's own initialisation.

    Weights that these layers do not share with the original are the only new ones; batch norms forget their running
    statistics too. The original is not touched.
    """
    twin = shallow_copy_for_hooks(model)
    with seeded(seed), torch.no_grad():
        for name in layers:
            module = twin.get_submodule(name)
            for key, weight in module.named_parameters(recurse=False):
                module._parameters[key] = nn.Parameter(weight.detach().clone(), requires_grad=weight.requires_grad)
            for key, buffer in module.named_buffers(recurse=False):
                module._buffers[key] = buffer.detach().clone()
            module.reset_parameters()  # type: ignore[operator]
    return twin


def untrained(model: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy whose layers are all re-initialised; raises `ExplainError` if there are none."""
    layers = initializable_layers(model)
    if not layers:
        raise ExplainError("No layer of this network can be initialised anew, so there is nothing to compare with.")
    return reinitialized(model, layers, seed)


@in_sentences("Forgetting layers")
def cascade(
    model: nn.Module,
    image: Tensor,
    target: int,
    explain: Explain,
    *,
    steps: int = STEPS,
    seed: int = 0,
    progress: Progress | None = None,
) -> RandomizationCascade:
    """Re-initialise the layers of a network from the last to the first, and explain the same class after each step.

    Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.1, arXiv:1810.03292. A map that hardly changes
    does not depend on what those layers have learned. Each step starts from the network of the one before.

    Args:
        model: The network; twins of it forget.
        image: Normalised image, float (C, H, W).
        target: Index of the class.
        explain: Makes an attribution of a network, an image and a class: `functools.partial` of `attribute`.
        steps: How many at most; more layers than that are forgotten several at a time.
        seed: What the fresh weights are drawn from.
        progress: Called with the parts done and all of them, `PARTS_PER_EXPLANATION` for each explanation; may raise.

    Raises:
        ExplainError: What `explain` raises, the map of the trained network is blank, or nothing can be forgotten.
    """
    layers = initializable_layers(model)[::-1]
    if not layers:
        raise ExplainError("No layer of this network can be initialised anew, so none can be forgotten.")
    groups = [tuple(group.tolist()) for group in np.array_split(layers, min(max(1, steps), len(layers)))]
    count, redone = len(groups) + 1, list[RandomizationStep]()
    original = validated_heatmap(
        heatmap(explain(model, image, target, progress=within(progress, 0, count))), image.shape
    )
    tell_done(progress, 1, count)
    for group, net in zip(groups, _randomized_copies(model, groups, seed), strict=True):
        attribution = explain(net, image, target, progress=within(progress, len(redone) + 1, count))
        values = np.asarray(heatmap(attribution), dtype=np.float64)
        redone.append(RandomizationStep(group, values, map_similarity(original, values)))
        tell_done(progress, len(redone) + 1, count)
    chance = map_similarity(original, shuffled(original, np.random.default_rng(seed)))
    return RandomizationCascade(original, tuple(redone), chance)


def _randomized_copies(model: nn.Module, groups: Sequence[Sequence[str]], seed: int) -> Iterator[nn.Module]:
    """Yield a copy after each group of layers; each is another object, as caches key on the network."""
    for place, group in enumerate(groups):
        model = reinitialized(model, group, seed + place)
        yield model
