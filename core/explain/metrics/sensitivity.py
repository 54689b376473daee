"""Max-sensitivity: how much a map changes under imperceptible changes of the image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import captum.metrics
import numpy as np
import torch
from torch import Tensor, nn

from core.explain.attribution import Attribution, heatmap
from core.explain.metrics.validate import shuffled, validated_heatmap
from core.failures import in_sentences
from core.progress import Progress

PARTS_PER_EXPLANATION = 100  # parts that one explanation counts as


class Explain(Protocol):
    """Explains a class of an image (C, H, W): `functools.partial` of `attribute` with a method and its options."""

    def __call__(self, model: nn.Module, image: Tensor, target: int, /, *, progress: Progress | None) -> Attribution:
        """Tell the progress of this one explanation."""
        ...


def within(progress: Progress | None, place: int, count: int) -> Progress | None:
    """Return a progress callback for one of several explanations, as a part of all of them."""
    if progress is None:
        return None

    def tell(done: int, total: int) -> None:
        progress(
            place * PARTS_PER_EXPLANATION + PARTS_PER_EXPLANATION * min(done, total) // max(1, total),
            count * PARTS_PER_EXPLANATION,
        )

    return tell


def tell_done(progress: Progress | None, done: int, count: int) -> None:
    """Report that so many of the explanations are done."""
    if progress is not None:
        progress(done * PARTS_PER_EXPLANATION, count * PARTS_PER_EXPLANATION)


NUM_SAMPLES, RADIUS = 10, 0.02  # Captum's own defaults


@dataclass(frozen=True)
class Sensitivity:
    """The max-sensitivity of a map.

    Attributes:
        value: The largest change among those tried, as a share of the map's own size: 0 stands still.
        random: The same for a map whose values are shuffled anew for each image.
        samples: How many changed images were explained.
        radius: How far each normalised pixel value moved at most.
    """

    value: float
    random: float
    samples: int
    radius: float
    better: ClassVar[str] = "lower"


@in_sentences("Maximum sensitivity")
def sensitivity(
    model: nn.Module,
    image: Tensor,
    target: int,
    explain: Explain,
    *,
    samples: int = NUM_SAMPLES,
    radius: float = RADIUS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Sensitivity:
    """Return the max-sensitivity of an explanation over random images near this one.

    Yeh et al. 2019, arXiv:1901.09392, definition 3.

    Args:
        model: The network.
        image: Normalised image, float (C, H, W).
        target: Index of the class.
        explain: Makes an attribution of a network, an image and a class: `functools.partial` of `attribute`.
        samples: How many images, each to be explained once.
        radius: How far each normalised value may move.
        seed: What they are drawn from.
        progress: Called with the parts done and all of them, `PARTS_PER_EXPLANATION` for each explanation; may raise.

    Raises:
        ExplainError: What `explain` raises, or the image's own map is blank.
    """
    start, computed = image.detach().cpu().to(torch.float32), list[int]()

    def maps(images: Tensor | tuple[Tensor, ...]) -> Tensor:
        heatmaps = []
        for each in images[0] if isinstance(images, tuple) else images:
            part = within(progress, len(computed), samples + 1)
            heatmaps.append(heatmap(explain(model, each, target, progress=part)))
            computed.append(1)
            tell_done(progress, len(computed), samples + 1)
        return torch.stack(heatmaps)

    own = validated_heatmap(maps(start[None])[0], tuple(image.shape))
    rng, generators = np.random.default_rng([seed, 1]), [torch.Generator().manual_seed(seed) for _ in range(2)]

    def noise(images: Tensor | tuple[Tensor, ...]) -> Tensor:
        count = len(images[0] if isinstance(images, tuple) else images)
        return torch.from_numpy(np.stack([shuffled(own, rng) for _ in range(count)])).float()

    own_map = torch.from_numpy(own).float()[None]
    value = _captums(maps, own_map, start, samples, radius, generators[0])
    return Sensitivity(value, _captums(noise, own_map, start, samples, radius, generators[1]), samples, radius)


def _captums(
    explain: Callable[[Tensor | tuple[Tensor, ...]], Tensor],
    own: Tensor,
    image: Tensor,
    samples: int,
    radius: float,
    generator: torch.Generator,
) -> float:
    """Return Captum's max-sensitivity without computing the map of the image itself again."""
    first = [own]
    value = captum.metrics.sensitivity_max(
        lambda images: (first.pop() if first else explain(images),),  # of a bare tensor it would take the rows apart
        image[None],
        perturb_func=lambda images: images + radius * (2 * torch.rand(images.shape, generator=generator) - 1),
        n_perturb_samples=samples,
        max_examples_per_batch=1,
    )
    return float(value)
