"""Who gets which image."""

import numpy as np
import pytest

from core.errors import EvaluationError
from core.evaluation.answers import Answers
from core.evaluation.comparison import compare


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


def test_networks_that_never_differ_are_no_different() -> None:
    same = answers([True, False])
    assert compare(same, same).test.p_value == 1


def test_other_images_cannot_be_compared() -> None:
    with pytest.raises(EvaluationError, match="different images"):
        compare(answers([True, False]), answers([True]))
    with pytest.raises(EvaluationError, match="different images"):
        compare(answers([True, False]), Answers(np.zeros((2, 2), np.float32), np.array([0, 1])))
