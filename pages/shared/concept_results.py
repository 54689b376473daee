"""What is asked about concepts, and the answers, kept for all sessions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.concepts import concepts_for, draw_concept
from core.errors import RunError
from core.inference.network import Network
from pages.shared import networks, subjects
from pages.shared.jobs import Progress, background, lane_of
from pages.shared.live import duration

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from core.explain.concepts import ConceptReport

REPEATS = 20
EXAMPLES = 60
LARGE = 64 * 64  # pixels: larger pictures take long, so that fewer are drawn
UNASKED = 5.0  # seconds: what takes longer waits for a press


@dataclass(frozen=True)
class Sizes:
    """How many pictures are drawn of a concept and at random, and how many examples are asked."""

    concept: int
    random: int
    examples: int


@dataclass(frozen=True)
class Question:
    """Which network is asked, at which layer, about which class."""

    weights: Network
    picture: subjects.Picture
    target: int
    layer: str


def sizes(shape: tuple[int, int, int]) -> Sizes:
    """Return how many pictures of a shape are looked at."""
    return Sizes(36, 108, 24) if shape[1] * shape[2] > LARGE else Sizes(90, 300, EXAMPLES)


def drawn(name: str | None, count: int, shape: tuple[int, int, int]) -> "np.ndarray":
    """Return pictures of a concept, or random ones, uint8 (N, C, H, W)."""
    return draw_concept(name, count, shape)


def report_of(asked: Question) -> "ConceptReport | None":
    """Return the scores of all concepts; None while they are computed or nobody has asked for what takes long.

    Raises:
        ConvScopeError: The network or its images cannot be had, or cannot be asked this.
    """
    weights, shape = asked.weights, asked.weights.input_shape
    model, many = weights.model, sizes(shape)
    examples = _examples(asked, many.examples)
    names = concepts_for(shape[0])

    def work(tell: Progress) -> "ConceptReport":
        import torch

        from core.explain.concepts import concept_scores

        return concept_scores(
            model,
            asked.layer,
            asked.target,
            examples,
            {name: torch.from_numpy(drawn(name, many.concept, shape)) for name in names},
            torch.from_numpy(drawn(None, many.random, shape)),
            weights.normalize,
            repeats=REPEATS,
            progress=tell,
        )

    about = asked.picture.digest if weights.why_no_images else ""
    pictures = len(names) * many.concept + many.random + many.examples
    seconds = pictures * networks.pass_seconds(weights)
    return background(
        ("concepts", weights.mark, asked.layer, asked.target, about),
        work,
        words="Testing the concepts",
        place="concepts",
        ask=f"Test the concepts: {pictures} pictures, about {duration(seconds)}" if seconds > UNASKED else "",
        lane=lane_of(seconds),
    )


def _examples(asked: Question, count: int) -> "Tensor":
    """Return pictures of the class: test images, or where there are none, variations of the picture."""
    network = asked.weights
    if network.why_no_images:
        return _variations(asked.picture, count)
    test = network.dataset().test
    found = test.images[test.labels == asked.target][:count]
    if not len(found):
        raise RunError("There is no test image of this class to ask: choose another class.")
    return found


def _variations(picture: subjects.Picture, count: int) -> "Tensor":
    import torch

    from core.data.augment import Augmentation, augment

    images = picture.tensor()[None].expand(count, *picture.shape) / 255
    varied = augment(images, Augmentation(flip=0.5, crop=0.5), torch.Generator().manual_seed(0))
    return (varied * 255).round().clamp(0, 255).to(torch.uint8)
