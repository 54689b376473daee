"""The matrix is scikit-learn's, every cell has its images, and galleries hold what they say."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.evaluation.answers import Answers
from core.evaluation.confusion import busiest, cell, confusion_counts, mistakes, row_shares
from core.evaluation.galleries import GALLERIES, thresholds


@pytest.fixture
def answers() -> Answers:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    logits = rng.normal(size=(400, 5)).astype(np.float32) * 2
    logits[np.arange(400), labels] += 2
    logits[:, 4] -= 50  # never predicted
    return Answers(logits, labels)


def test_the_matrix_is_that_of_scikit_learn(answers: Answers) -> None:
    counts = confusion_counts(answers)
    assert (counts == confusion_matrix(answers.labels, answers.predicted, labels=range(5))).all()
    assert counts.sum() == len(answers)
    assert (counts[:, 4] == 0).all()
    expected = confusion_matrix(answers.labels, answers.predicted, labels=range(5), normalize="true")
    assert np.allclose(row_shares(counts), expected)


def test_a_class_without_images_has_no_shares() -> None:
    counts = confusion_counts(Answers(np.eye(3, dtype=np.float32), np.array([0, 0, 2])))
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    shares = row_shares(counts)
    assert np.isnan(shares[1]).all()
    assert shares[0].tolist() == [0.5, 0.5, 0]


def test_every_cell_has_its_images_and_all_together_are_the_split(answers: Answers) -> None:
    counts, seen = confusion_counts(answers), []
    for true in range(5):
        for predicted in range(5):
            images = cell(answers, true, predicted)
            assert len(images) == counts[true, predicted]
            assert (answers.labels[images] == true).all()
            assert (answers.predicted[images] == predicted).all()
            assert (np.diff(answers.confidence[images]) <= 0).all()
            seen += images.tolist()
    assert sorted(seen) == list(range(400))


def test_mistakes_come_most_often_first(answers: Answers) -> None:
    counts = confusion_counts(answers)
    found = mistakes(counts)
    assert [count for _, _, count in found] == sorted((count for _, _, count in found), reverse=True)
    assert sum(count for _, _, count in found) == (~answers.right).sum()
    assert all(true != predicted and counts[true, predicted] == count for true, predicted, count in found)
    assert mistakes(np.diag([3, 4])) == []


def test_of_many_classes_those_with_most_mistakes_are_kept() -> None:
    counts = np.diag([9, 9, 9, 9])
    counts[3, 1] = 5
    counts[2, 3] = 1
    assert busiest(counts, 4).tolist() == [0, 1, 2, 3]
    assert busiest(counts, 2).tolist() == [1, 3]


def test_galleries_hold_what_they_say(answers: Answers) -> None:
    found = {name: gallery.order(answers) for name, gallery in GALLERIES.items()}
    assert set(found["wrong"]) == set(np.flatnonzero(~answers.right))
    assert (np.diff(answers.confidence[found["wrong"]]) <= 0).all()
    assert found["uncertain"][0] == answers.probabilities.max(axis=1).argmin()
    assert sorted(found["uncertain"]) == sorted(found["hardest"]) == list(range(400))
    assert (np.diff(answers.losses[found["hardest"]]) <= 0).all()


def test_possible_wrong_labels_by_hand() -> None:
    likely = np.array([[0.9, 0.1], [0.7, 0.3], [0.85, 0.15], [0.2, 0.8], [0.4, 0.6], [0.75, 0.25]])
    answers = Answers(np.log(likely).astype(np.float32), np.array([0, 0, 1, 1, 1, 1]))
    assert thresholds(answers) == pytest.approx([0.8, (0.15 + 0.8 + 0.6 + 0.25) / 4], abs=1e-6)
    # Image 2 says 0 with 0.85 ≥ 0.8 against its label; image 5 does so with 0.75 only.
    assert GALLERIES["labels"].order(answers).tolist() == [2]


def test_a_swapped_label_is_found(answers: Answers) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 300)
    logits = rng.normal(size=(300, 4)).astype(np.float32)
    logits[np.arange(300), labels] += 6
    wrong = np.array([7, 100, 250])
    labels[wrong] = (labels[wrong] + 1) % 4
    found = GALLERIES["labels"].order(Answers(logits, labels))
    assert set(wrong) <= set(found[:4].tolist())


def test_a_class_without_images_makes_no_label_doubtful() -> None:
    answers = Answers(np.array([[0, 9, 0], [5, 0, 0]], dtype=np.float32), np.array([0, 0]))
    assert thresholds(answers)[1:].tolist() == [np.inf, np.inf]
    assert GALLERIES["labels"].order(answers).tolist() == []
