"""ROC and precision-recall curves of each class, one versus rest."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from core.evaluation.answers import Answers, Floats
from core.progress import Progress

MAX_POINTS = 200  # points of a curve that are kept to draw


@dataclass(frozen=True, eq=False)
class Ranking:
    """The ROC and precision-recall curves of one class against the rest.

    Attributes:
        images: How many are of the class; `Answers` has so many others.
        auc: The area under the ROC curve: how likely a random image of the class has a higher probability of it than a
            random other one, ties counting half. None where there are no images of the class, or no others.
        average_precision: The mean precision over the recalls gained (not interpolated). None without images of it.
        roc: False and true positive rate, each (M,), from (0, 0) to (1, 1); empty where `auc` is None.
        precision_recall: Recall and precision, each (M,), by falling recall to (0, 1); empty without images of it.
    """

    images: int
    auc: float | None
    average_precision: float | None
    roc: tuple[Floats, Floats]
    precision_recall: tuple[Floats, Floats]


def rankings(answers: Answers, progress: Progress | None = None) -> tuple[Ranking, ...]:
    """Return the curves and areas of each class, one versus rest.

    Args:
        answers: Those of a network.
        progress: Called with the classes done and K; it may raise to cancel.
    """
    likely, curves = answers.probabilities, list[Ranking]()
    for index in range(answers.num_classes):
        if progress is not None:
            progress(index, answers.num_classes)
        curves.append(_ranking(answers.labels == index, likely[:, index]))
    return tuple(curves)


def _ranking(of_class: np.ndarray, probabilities: Floats) -> Ranking:
    images, nothing = int(of_class.sum()), (np.zeros(0), np.zeros(0))
    area, roc, average, recalls = None, nothing, None, nothing
    if images:
        precision, recall, _ = precision_recall_curve(of_class, probabilities, drop_intermediate=True)
        average, recalls = float(-np.sum(np.diff(recall) * precision[:-1])), _thinned(recall, precision)
    if 0 < images < len(of_class):
        false, true, _ = roc_curve(of_class, probabilities)
        area, roc = float(auc(false, true)), _thinned(false, true)
    return Ranking(images, area, average, roc, recalls)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return at most `MAX_POINTS` points of a curve, spread evenly over its length, its ends among them."""
    if len(x) <= MAX_POINTS:
        return x, y
    way = np.concatenate([[0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    indices = np.unique(np.searchsorted(way, np.linspace(0, way[-1], MAX_POINTS)).clip(max=len(x) - 1))
    indices = np.union1d(indices, [0, len(x) - 1])
    return x[indices], y[indices]


def mean_of(values: tuple[float | None, ...]) -> float | None:
    """Return the mean of those that are defined (macro average); None if none is."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
