"""Accuracy, precision, recall, F1 and top-k accuracy by scikit-learn; what is undefined is None."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    mean_squared_error,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from core.evaluation.answers import Answers
from core.explain.metrics.pointing_game import Rate, wilson

AVERAGES = ("macro", "micro", "weighted")


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of one class.

    Attributes:
        images: How many there are of it.
        predicted: How many were taken for it.
        precision: Of those taken for it, the share that is of it; None if it was never predicted.
        recall: Of its images, the share that was recognised; None if it has no images.
        f1: The harmonic mean of the two; None if it has no images and was never predicted.
    """

    images: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 over all classes, each 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Scores:
    """The scores of a network on a split.

    Attributes:
        images: N.
        accuracy: The share classified rightly, with Wilson's 95% interval.
        top: For some k below K, the share whose class is among the k likeliest; of equally likely ones, the first.
        cross_entropy: The mean of −log of the true class's probability, in nats.
        brier: The mean, over images, of the squared error summed over classes (Brier 1950), 0 to 2.
        mse: The mean of the squared error over images and classes: `brier` / K.
        classes: One for each class.
        averages: By "macro" (each class counts alike), "micro" (each image) and "weighted" (each class by its images),
            over the classes that occur among labels or predictions; what is undefined counts as 0, as scikit-learn
            has it unless told otherwise.
        commonest: The class with the most images: who always says it is right that often.
    """

    images: int
    accuracy: Rate
    top: dict[int, Rate]
    cross_entropy: float
    brier: float
    mse: float
    classes: tuple[ClassScores, ...]
    averages: dict[str, Averages]
    commonest: int


def scores_of(answers: Answers) -> Scores:
    """Return all scores of a network's answers."""
    labels, probabilities, classes = answers.labels, answers.probabilities, np.arange(answers.num_classes)
    images = len(answers)
    right = round(accuracy_score(labels, answers.predicted, normalize=False))
    one_hot = labels[:, None] == classes
    return Scores(
        images=images,
        accuracy=wilson(right, images),
        top={k: wilson(_among(answers, k), images) for k in top_of(answers.num_classes)},
        cross_entropy=float(answers.losses.mean()),
        brier=float(brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)),
        mse=float(mean_squared_error(one_hot, probabilities)),
        classes=_classes(answers),
        averages={name: _average(answers, name) for name in AVERAGES},
        commonest=int(np.bincount(labels).argmax()),
    )


def top_of(num_classes: int) -> list[int]:
    """Return the values of k for which top-k accuracy is informative."""
    return [k for k in (2, 3, 5) if k < num_classes][-2:]


def _among(answers: Answers, k: int) -> int:
    """Return how many images have their class among the k likeliest."""
    # scikit-learn takes the last of equally likely classes, `argmax` the first: in reverse order the two agree.
    last = answers.num_classes - 1
    hits = top_k_accuracy_score(
        last - answers.labels,
        answers.logits[:, ::-1],
        k=k,
        normalize=False,
        labels=np.arange(answers.num_classes),
    )
    return round(hits)


def _classes(answers: Answers) -> tuple[ClassScores, ...]:
    classes = np.arange(answers.num_classes)
    columns = precision_recall_fscore_support(answers.labels, answers.predicted, labels=classes, zero_division=np.nan)
    counts = np.bincount(answers.predicted, minlength=len(classes))
    return tuple(
        ClassScores(int(images), int(taken), _defined(precision), _defined(recall), _defined(f1))
        for precision, recall, f1, images, taken in zip(*columns, counts, strict=True)
    )


def _average(answers: Answers, name: str) -> Averages:
    averages = precision_recall_fscore_support(answers.labels, answers.predicted, average=name, zero_division=0)
    return Averages(*map(float, averages[:3]))


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
