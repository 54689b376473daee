"""McNemar's test by hand and by scipy."""

import pytest
from scipy.stats import binomtest, chi2

from core.significance import chance_margin, mcnemar


def test_few_are_tested_exactly() -> None:
    found = mcnemar(8, 2)  # by hand: 2 · (1 + 10 + 45) / 2¹⁰
    assert (found.exact, found.statistic) == (True, None)
    assert found.p_value == pytest.approx(112 / 1024)
    assert mcnemar(2, 8).p_value == found.p_value
    for first in range(25):
        for other in range(25 - first):
            if first + other:
                expected = binomtest(min(first, other), first + other, 0.5).pvalue
                assert mcnemar(first, other).p_value == pytest.approx(expected)
    assert mcnemar(12, 12).exact
    assert not mcnemar(12, 13).exact


def test_many_are_tested_with_a_correction_for_continuity() -> None:
    found = mcnemar(59, 6)  # Dietterich's form: (|59 − 6| − 1)² / 65
    assert found.statistic == pytest.approx(52**2 / 65)
    assert found.p_value == pytest.approx(chi2.sf(41.6, 1))
    assert mcnemar(121, 59).statistic == pytest.approx(20.6722, abs=1e-4)
    assert mcnemar(101, 59).p_value == pytest.approx(0.001194, abs=1e-5)


def test_the_correction_makes_no_difference_out_of_none() -> None:
    found = mcnemar(30, 30)
    assert (found.statistic, found.p_value) == (0, 1)


def test_no_difference_is_not_significant() -> None:
    none = mcnemar(0, 0)
    assert (none.exact, none.p_value, none.significant) == (True, 1, False)
    assert mcnemar(6, 0).significant and not mcnemar(5, 0).significant  # 2 / 2⁶ and 2 / 2⁵


def test_a_difference_below_two_standard_errors_can_be_chance() -> None:
    assert chance_margin(0.9, 0.8, 100) == pytest.approx(0.1)  # 2 √((0.09 + 0.16) / 100)
