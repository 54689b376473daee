"""Explanations of a few test images in a lab report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.data.datasets import Dataset
from core.errors import ConvScopeError, ExplainError
from core.evaluation.answers import Answers
from core.evaluation.galleries import confidently_wrong
from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.methods.registry import METHODS
from core.explain.strength import maps_that_say_something, strength_of
from core.figures.overlays import faded, overlay
from core.figures.palette import Pixels
from core.progress import Progress
from core.report.elements import Bar, ReportImage, bar, pixels, share_of

DEFAULT_METHODS = (
    "integrated_gradients",
    "grad_cam",
    "occlusion",
)  # a gradient, a layer, a cover: three ways to find out
NUM_RIGHT, NUM_WRONG, IMAGE_PX = 2, 2, 168
MAX_IMAGES, MAX_METHODS = 12, 5


@dataclass(frozen=True)
class ExplanationChoice:
    """Which images are explained, by which methods.

    Attributes:
        images: Numbers of test images, at most `MAX_IMAGES`; they come before those that are chosen anyway.
        methods: Keys of `core.explain.METHODS`, one to `MAX_METHODS`.
    """

    images: tuple[int, ...] = ()
    methods: tuple[str, ...] = DEFAULT_METHODS

    def __post_init__(self) -> None:
        unknown = [name for name in self.methods if name not in METHODS]
        if unknown:
            raise ExplainError(f"There is no method {unknown[0]!r}: choose among {', '.join(METHODS)}.")
        if not 1 <= len(self.methods) <= MAX_METHODS or len(self.images) > MAX_IMAGES:
            raise ExplainError(f"A report explains up to {MAX_IMAGES} chosen images by 1 to {MAX_METHODS} methods.")


DEFAULT_CHOICE = ExplanationChoice()


@dataclass(frozen=True)
class Map:
    """One explanation: the method, the map over its picture, what its colours mean; or why there is none."""

    method: str
    picture: ReportImage | None
    legend: Bar | None
    text: str


@dataclass(frozen=True)
class ReportExplanations:
    """One test image: which, what it is and was taken for, and its explanations."""

    index: int
    truth: str
    answer: str
    confidence: str
    right: bool
    requested: bool
    picture: ReportImage
    maps: tuple[Map, ...]


def choose_images(answers: Answers) -> tuple[int, ...]:
    """Choose test images: the surest right answers and the surest wrong ones, each of another class."""
    right = np.flatnonzero(answers.right)
    right = right[np.argsort(-answers.confidence[right], kind="stable")]
    return (*_of_each_class(answers, right, NUM_RIGHT), *_of_each_class(answers, confidently_wrong(answers), NUM_WRONG))


def _of_each_class(answers: Answers, order: Sequence[int] | np.ndarray, most: int) -> list[int]:
    chosen_by_class: dict[int, int] = {}
    for index in order:
        chosen_by_class.setdefault(int(answers.labels[index]), int(index))
        if len(chosen_by_class) == most:
            break
    return list(chosen_by_class.values())


def report_explanations(
    model: nn.Module,
    dataset: Dataset,
    answers: Answers,
    choice: ExplanationChoice = DEFAULT_CHOICE,
    progress: Progress | None = None,
) -> Iterator[ReportExplanations]:
    """Explain the answers to a few test images, those that are requested first.

    Args:
        model: The network.
        dataset: As it was given its pixels.
        answers: Its answers to all test images.
        choice: Which images, and by which methods.
        progress: Called with what is done of 100; it may raise to cancel.

    Raises:
        ExplainError: There is no such test image.
    """
    for index in choice.images:
        if not 0 <= index < len(answers.labels):
            raise ExplainError(f"There is no test image {index}: the last one is {len(answers.labels) - 1}.")
    indices, methods = tuple(dict.fromkeys((*choice.images, *choose_images(answers)))), choice.methods
    others = dataset.normalize(dataset.valid.images[:32])
    for place, index in enumerate(indices):
        raw = dataset.test.images[index]
        image, target = dataset.normalize(raw), int(answers.predicted[index])
        maps = []
        for step, method in enumerate(methods):
            count = len(indices) * len(methods)
            step_progress = share_of(progress, 100 * (place * len(methods) + step) // count, 100 // count)
            step_progress(0, 1)
            maps.append(_map(model, image, _shown(raw), target, method, others, step_progress, methods))
        truth, answer = dataset.class_names[int(answers.labels[index])], dataset.class_names[target]
        sure = f"{answers.confidence[index]:.1%}"
        picture = pixels(_shown(raw), f"Test image {index}: {truth}", IMAGE_PX)
        right, requested = bool(answers.right[index]), index in choice.images
        yield ReportExplanations(index, truth, answer, sure, right, requested, picture, tuple(maps))


def _shown(raw: Tensor) -> Pixels:
    values = raw.numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))


def _map(
    model: nn.Module,
    image: Tensor,
    pixels_shown: Pixels,
    target: int,
    method: str,
    others: Tensor,
    progress: Progress,
    without: Sequence[str],
) -> Map:
    """Explain a picture by one method, or by the next that is not among `without` where its map says nothing."""

    def explain(name: str) -> list[Attribution | ConvScopeError]:
        try:
            return [attribute(model, image, target, name, background=others, progress=progress)]
        except ConvScopeError as error:
            return [error]

    name, (attribution,), reason = maps_that_say_something(method, explain(method), explain, without=without)
    about = METHODS[name]
    if isinstance(attribution, ConvScopeError):
        return Map(about.title, None, None, str(attribution))
    strength = strength_of(attribution)
    if strength.kind == "nothing":  # an empty map would pass for an answer
        return Map(about.title, None, None, strength.text)
    figure = overlay(
        faded(pixels_shown, attribution.signed),
        heatmap(attribution).numpy(),
        signed=attribution.signed,
        positive=about.positive,
        negative=about.negative,
        zoom=1,
        full_colour=strength.full_colour,
    )
    alt = f"{about.title}: {_where(attribution)}"
    gap = attribution.gap.text if attribution.gap else ""
    text = " ".join(filter(None, (reason, figure.text, strength.text, gap)))
    return Map(about.title, pixels(figure.pixels, alt, IMAGE_PX), bar(figure.scale, text), text)


def _where(attribution: Attribution) -> str:
    """Return the text alternative of a map: where it is strongest."""
    values = heatmap(attribution)
    row, column = divmod(int(torch.argmax(values.abs())), values.shape[1])
    height, width = values.shape
    return f"strongest at row {row + 1} of {height}, column {column + 1} of {width}"
