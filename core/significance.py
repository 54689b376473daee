"""Tests of significance: whether a difference is more than chance."""

from dataclasses import dataclass
from math import sqrt

SIGNIFICANCE_LEVEL = 0.05  # p-values below it count as more than chance
MIN_FOR_CHI_SQUARED = 25  # images that only one gets: for fewer the exact test is made


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

    @property
    def significant(self) -> bool:
        """Whether the difference is more than chance, at the level of `SIGNIFICANCE_LEVEL`."""
        return self.p_value < SIGNIFICANCE_LEVEL


def mcnemar(only_first: int, only_other: int) -> McNemar:
    """Return McNemar's test of the images that only one of two networks gets."""
    from scipy.stats import binomtest, chi2  # not needed by pages that only name the level

    apart = only_first + only_other
    if apart < MIN_FOR_CHI_SQUARED:
        p_value = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
        return McNemar(only_first, only_other, True, None, p_value)
    statistic = max(abs(only_first - only_other) - 1, 0) ** 2 / apart
    return McNemar(only_first, only_other, False, statistic, float(chi2.sf(statistic, 1)))


def chance_margin(first: float, other: float, images: int) -> float:
    """Return two standard errors of the difference of two accuracies, 0 to 1, measured on as many images each.

    A smaller difference can well be chance. The images may be the same: what both networks have in common only
    narrows it, so that `mcnemar` finds more where each answer is known.
    """
    return 2 * sqrt((first * (1 - first) + other * (1 - other)) / images)
