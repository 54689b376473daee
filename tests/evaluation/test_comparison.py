"""Who gets which image, and McNemar's test by hand and by scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from core.errors import EvaluationError
from core.evaluation import Answers, compare, mcnemar


def answers(right: list[bool]) -> Answers:
    logits = np.where(np.array(right)[:, None], [1.0, 0.0], [0.0, 1.0]).astype(np.float32)
    return Answers(logits, np.zeros(len(right), np.int64))


def test_every_image_is_in_one_of_four_groups() -> None:
    found = compare(answers([True, True, False, False, True]), answers([True, False, True, False, False]))
    assert found.both.tolist() == [0]
    assert found.only_first.tolist() == [1, 4]
    assert found.only_other.tolist() == [2]
    assert found.neither.tolist() == [3]
    assert (found.test.only_first, found.test.only_other) == (2, 1)


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


def test_networks_that_never_differ_are_no_different() -> None:
    same = answers([True, False])
    assert compare(same, same).test.p_value == 1
    assert mcnemar(0, 0).exact


def test_other_images_cannot_be_compared() -> None:
    with pytest.raises(EvaluationError, match="different images"):
        compare(answers([True, False]), answers([True]))
    with pytest.raises(EvaluationError, match="different images"):
        compare(answers([True, False]), Answers(np.zeros((2, 2), np.float32), np.array([0, 1])))
