"""The confusion matrix, its cells' images and its most frequent mistakes."""

import numpy as np
from sklearn.metrics import confusion_matrix

from core.evaluation.answers import Answers, Floats, Whole


def confusion_counts(answers: Answers) -> Whole:
    """Count how many images of each true class (row) were taken for each class (column): int64 (K, K)."""
    counts: Whole = confusion_matrix(answers.labels, answers.predicted, labels=np.arange(answers.num_classes))
    return counts


def row_shares(counts: Whole) -> Floats:
    """Return each count as a share of its row, float64 (K, K): what becomes of a class's images.

    A class without images has no shares: its row is NaN.
    """
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def cell(answers: Answers, true: int, predicted: int) -> Whole:
    """Return which images of one class were taken for another, the most confident first: int64 (M,)."""
    images = np.flatnonzero((answers.labels == true) & (answers.predicted == predicted))
    return images[np.argsort(-answers.confidence[images], kind="stable")]


def mistakes(counts: Whole) -> list[tuple[int, int, int]]:
    """Return the confused pairs, most frequent first: true class, predicted class, how many images."""
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return [(int(true), int(predicted), int(wrong[true, predicted])) for true, predicted in pairs]


def busiest(counts: Whole, most: int) -> Whole:
    """Return at most so many classes in their order: all, or those with the most mistakes to or from them."""
    if len(counts) <= most:
        return np.arange(len(counts))
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return np.sort(np.argsort(-wrong, kind="stable")[:most])
