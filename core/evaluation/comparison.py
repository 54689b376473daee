"""Paired comparison of two networks on the same images by McNemar's test."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, chi2

from core.errors import EvaluationError
from core.evaluation.answers import Answers, Whole

MIN_FOR_CHI_SQUARED = 25  # images that only one gets: for fewer the exact test is made
CLEAR = 0.05  # p-values below it count as hardly luck


@dataclass(frozen=True)
class McNemar:
    """McNemar's test (1947, doi:10.1007/BF02295996) of whether two networks err equally often on the same images.

    Attributes:
        only_first, only_other: How many images only one of them gets.
        exact: Whether `p_value` is that of the binomial test, as for fewer than `MIN_FOR_CHI_SQUARED` images in all;
            else it is that of chi-squared with one degree of freedom, with Edwards' correction for continuity (1948).
        statistic: The chi-squared value; None where the test is exact.
        p_value: How likely so uneven a split, or a more uneven one, is if each of these images could as well have gone
            to the other. 1 if there is none.
    """

    only_first: int
    only_other: int
    exact: bool
    statistic: float | None
    p_value: float


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


def mcnemar(only_first: int, only_other: int) -> McNemar:
    """Return McNemar's test of the images that only one of two networks gets."""
    apart = only_first + only_other
    if apart < MIN_FOR_CHI_SQUARED:
        p_value = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
        return McNemar(only_first, only_other, True, None, p_value)
    statistic = max(abs(only_first - only_other) - 1, 0) ** 2 / apart
    return McNemar(only_first, only_other, False, statistic, float(chi2.sf(statistic, 1)))


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


def p_text(value: float) -> str:
    """Write a p-value: "0.034", "< 0.001"."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def significance_verdict(test: McNemar) -> str:
    """Say in words what McNemar's test found."""
    if not test.only_first + test.only_other:
        return "Both get exactly the same images: there is no difference to explain."
    better = "A" if test.only_first > test.only_other else "B"
    split = f"A alone gets {test.only_first:,} images, B alone {test.only_other:,}."
    chance = f"Chance alone makes a split so uneven in {_percent(test.p_value)} of cases"
    if test.p_value < CLEAR:
        return f"{split} {chance}: **{better} is better on images like these**, and that is hardly luck."
    return f"{split} {chance}: **the difference can well be luck.**"


def _percent(value: float) -> str:
    return "less than 0.1%" if value < 0.001 else f"{value:.1%}"
