"""Rankings of images worth looking at: confidently wrong, uncertain, high loss, possibly mislabelled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.evaluation.answers import Answers, Floats, Whole


@dataclass(frozen=True)
class Gallery:
    """A ranking of the images of a split.

    Attributes:
        title: Its name on the screen.
        about: One sentence that says what is shown.
        none: One sentence for when no image fits.
        order: Returns which images fit, the most telling first, int64 (M,).
    """

    title: str
    about: str
    none: str
    order: Callable[[Answers], Whole]


def _falling(values: Floats, among: Whole) -> Whole:
    return among[np.argsort(-values[among], kind="stable")]


def confidently_wrong(answers: Answers) -> Whole:
    """Return the images that are classified wrongly, the most confident answer first."""
    return _falling(answers.confidence, np.flatnonzero(~answers.right))


def least_certain(answers: Answers) -> Whole:
    """Return all images, the least confident answer first."""
    return _falling(-answers.confidence, np.arange(len(answers)))


def hardest(answers: Answers) -> Whole:
    """Return all images, the largest cross-entropy first."""
    return _falling(answers.losses, np.arange(len(answers)))


def thresholds(answers: Answers) -> Floats:
    """Return each class's mean probability over the images with that label, float64 (K,) (confident learning).

    Infinite for a class without images: nothing is known of it. (Northcutt et al. 2021, arXiv:1911.00068, equation 2.)
    """
    counts = np.bincount(answers.labels, minlength=answers.num_classes)
    own = np.bincount(answers.labels, weights=np.exp(-answers.losses), minlength=answers.num_classes)
    return np.divide(own, counts, out=np.full(answers.num_classes, np.inf), where=counts > 0)


def possible_wrong_labels(answers: Answers) -> Whole:
    """Return the images whose label may be wrong, by how much likelier the predicted class is than the label.

    Confident learning: those where the predicted class differs from the label and is at least as likely as it is, on
    average, on the images that are labelled so.
    """
    doubtful = ~answers.right & (answers.confidence >= thresholds(answers)[answers.predicted])
    margin = answers.confidence - np.exp(-answers.losses)
    return _falling(margin, np.flatnonzero(doubtful))


GALLERIES: dict[str, Gallery] = {
    "wrong": Gallery(
        "Most confidently wrong",
        "Wrong answers, the surest first: what the network believes and should not.",
        "No answer is wrong.",
        confidently_wrong,
    ),
    "uncertain": Gallery(
        "Least certain",
        "The answers with the lowest probability first, right or wrong: here it nearly tossed a coin.",
        "There is no image.",
        least_certain,
    ),
    "hardest": Gallery(
        "Hardest by loss",
        "The images whose true class got the lowest probability: they cost the training most.",
        "There is no image.",
        hardest,
    ),
    "labels": Gallery(
        "Possible wrong labels",
        "The network contradicts the label and is as sure as it usually is of the class it names. Look for yourself: "
        "the label may be wrong, or the network (confident learning, Northcutt et al. 2021, arXiv:1911.00068).",
        "The network contradicts no label as surely as it usually is of the class it names.",
        possible_wrong_labels,
    ),
}
