"""The calibration error by hand, and as scikit-learn bins it."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from core.evaluation.answers import Answers
from core.evaluation.calibration import reliability


def sure(confidences: list[float], right: list[bool]) -> Answers:
    """Make answers about two classes that are so confident."""
    odds = np.log(np.array(confidences) / (1 - np.array(confidences)))
    return Answers(np.stack([odds, np.zeros_like(odds)], 1).astype(np.float32), 1 - np.array(right).astype(np.int64))


def test_the_error_by_hand() -> None:
    found = reliability(sure([0.95, 0.93, 0.98, 0.72, 0.76, 0.55], [True, True, False, True, False, False]))
    # Bins: 0.5–0.6 one of one wrong; 0.7–0.8 half right at 0.74; 0.9–1 two thirds right at 0.9533.
    assert [(each.low, each.high, each.images) for each in found.bins] == [
        pytest.approx((0.5, 0.6, 1)),
        pytest.approx((0.7, 0.8, 2)),
        pytest.approx((0.9, 1.0, 3)),
    ]
    assert [each.gap for each in found.bins] == pytest.approx([0.55, 0.24, 0.286667], abs=1e-5)
    assert found.expected_error == pytest.approx((0.55 + 2 * 0.24 + 3 * 0.2866667) / 6, abs=1e-6)
    assert found.largest_error == pytest.approx(0.55, abs=1e-6)
    assert (found.confidence, found.accuracy) == pytest.approx((0.815, 0.5), abs=1e-6)


@pytest.mark.parametrize("bins", [1, 5, 10, 15])
def test_bins_are_those_of_scikit_learn(bins: int) -> None:
    rng = np.random.default_rng(bins)
    answers = Answers(rng.normal(size=(500, 4)).astype(np.float32) * 3, rng.integers(0, 4, 500))
    found = reliability(answers, bins)
    accuracy, confidence = calibration_curve(answers.right, answers.confidence, n_bins=bins)
    assert [each.accuracy.value for each in found.bins] == pytest.approx(accuracy)
    assert [each.confidence for each in found.bins] == pytest.approx(confidence)
    assert sum(each.images for each in found.bins) == 500
    assert all(each.low < each.confidence <= each.high for each in found.bins)
    weighted = sum(each.images * abs(each.gap) for each in found.bins) / 500
    assert found.expected_error == pytest.approx(weighted)


def test_answers_that_are_right_as_often_as_they_are_sure_have_no_error() -> None:
    assert reliability(sure([0.75] * 4, [True, True, True, False])).expected_error == pytest.approx(0, abs=1e-7)


def test_who_is_certain_and_right_or_wrong() -> None:
    logits = np.array([[2000, 0]] * 3, dtype=np.float32)
    right = reliability(Answers(logits, np.zeros(3, np.int64)))
    wrong = reliability(Answers(logits, np.ones(3, np.int64)))
    assert (right.expected_error, wrong.expected_error) == (0, 1)
    assert [each.images for each in right.bins] == [3]
