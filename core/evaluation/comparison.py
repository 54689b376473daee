"""Paired comparison of two networks on the same images by McNemar's test."""

from dataclasses import dataclass

import numpy as np

from core.errors import EvaluationError
from core.evaluation.answers import Answers, Whole
from core.significance import McNemar, mcnemar


@dataclass(frozen=True, eq=False)
class Comparison:
    """The images that both, one or none of two networks classify correctly, int64 (M,) each, in order of the split.

    Attributes:
        both, only_first, only_other, neither: Together all images, each once.
        test: Whether the difference can be luck.
    """

    both: Whole
    only_first: Whole
    only_other: Whole
    neither: Whole
    test: McNemar


def compare(first: Answers, other: Answers) -> Comparison:
    """Compare the answers of two networks to the same images; raises `EvaluationError` if those are not the same."""
    if len(first) != len(other) or not np.array_equal(first.labels, other.labels):
        raise EvaluationError(
            "The two networks were asked about different images: "
            "compare networks that were trained on the same data set."
        )
    right, also = first.right, other.right
    only_first, only_other = np.flatnonzero(right & ~also), np.flatnonzero(also & ~right)
    return Comparison(
        both=np.flatnonzero(right & also),
        only_first=only_first,
        only_other=only_other,
        neither=np.flatnonzero(~right & ~also),
        test=mcnemar(len(only_first), len(only_other)),
    )


def significance_verdict(test: McNemar) -> str:
    """Say in words what McNemar's test found."""
    if not test.only_first + test.only_other:
        return "Both get exactly the same images: there is no difference to explain."
    better = "A" if test.only_first > test.only_other else "B"
    split = f"A alone gets {test.only_first:,} images, B alone {test.only_other:,}."
    chance = f"Chance alone makes a split so uneven in {_percent(test.p_value)} of cases"
    if test.significant:
        return f"{split} {chance}: **{better} is better on images like these**, and that is hardly luck."
    return f"{split} {chance}: **the difference can well be luck.**"


def _percent(value: float) -> str:
    return "less than 0.1%" if value < 0.001 else f"{value:.1%}"
