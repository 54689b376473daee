"""Every number equals scikit-learn's, PyTorch's or a sum by hand; what has no value is said to have none."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch.nn import functional

from core.errors import EvaluationError
from core.evaluation.answers import Answers
from core.evaluation.metrics import scores_of, top_of
from core.evaluation.ranking import MAX_POINTS, mean_of, rankings
from core.evaluation.report import report_of
from core.explain.metrics.pointing_game import wilson

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")


def random_answers(seed: int, images: int = 300, classes: int = 7, skill: float = 1.0) -> Answers:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    logits = rng.normal(size=(images, classes)) * 2
    logits[np.arange(images), labels] += skill * rng.normal(1, 1, images)
    return Answers(logits.astype(np.float32), labels)


def never_predicted() -> Answers:
    found = random_answers(1)
    found.logits[:, 3] = -20
    return Answers(found.logits, found.labels)


def one_class_only() -> Answers:
    found = random_answers(2)
    return Answers(found.logits, np.full_like(found.labels, 4))


def all_tied() -> Answers:
    found = random_answers(3)
    return Answers(np.zeros_like(found.logits), found.labels)


def coarse() -> Answers:
    """Scores of a few whole numbers, so that ties are everywhere."""
    found = random_answers(4)
    return Answers(found.logits.round(), found.labels)


def two_classes() -> Answers:
    return random_answers(5, classes=2)


def one_image() -> Answers:
    return random_answers(6, images=1)


CASES = [
    lambda: random_answers(0),
    lambda: random_answers(7, images=2000, classes=12, skill=4),
    never_predicted,
    one_class_only,
    all_tied,
    coarse,
    two_classes,
    one_image,
]
every_case = pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)


@every_case
def test_scores_are_those_of_scikit_learn(make: Callable[[], Answers]) -> None:
    answers = make()
    labels, predicted, known = answers.labels, answers.predicted, np.arange(answers.num_classes)
    likely = functional.softmax(torch.from_numpy(answers.logits).double(), 1).numpy()
    found = scores_of(answers)
    assert found.images == len(labels)
    assert found.accuracy.value == metrics.accuracy_score(labels, predicted)
    assert found.cross_entropy == pytest.approx(metrics.log_loss(labels, likely, labels=known), rel=1e-9)
    torch_loss = functional.cross_entropy(torch.from_numpy(answers.logits).double(), torch.from_numpy(labels))
    assert found.cross_entropy == pytest.approx(float(torch_loss), rel=1e-12)
    one_hot = np.eye(answers.num_classes)[labels]
    assert found.brier == pytest.approx(((likely - one_hot) ** 2).sum(axis=1).mean(), rel=1e-12)
    assert found.mse == pytest.approx(metrics.mean_squared_error(one_hot, likely), rel=1e-12)
    assert found.mse * answers.num_classes == pytest.approx(found.brier)
    for name in ("macro", "micro", "weighted"):
        expected = metrics.precision_recall_fscore_support(labels, predicted, average=name)[:3]
        ours = found.averages[name]
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(expected)
    assert found.averages["micro"].f1 == pytest.approx(found.accuracy.value)
    assert (labels == found.commonest).sum() == np.bincount(labels).max()


@every_case
def test_classes_are_those_of_scikit_learn_and_undefined_ones_are_none(make: Callable[[], Answers]) -> None:
    answers = make()
    known = np.arange(answers.num_classes)
    expected = metrics.precision_recall_fscore_support(answers.labels, answers.predicted, labels=known)
    for index, found in enumerate(scores_of(answers).classes):
        assert found.images == (answers.labels == index).sum()
        assert found.predicted == (answers.predicted == index).sum()
        assert (found.precision is None) == (not found.predicted)
        assert (found.recall is None) == (not found.images)
        assert (found.f1 is None) == (not found.images and not found.predicted)
        ours = [value or 0.0 for value in (found.precision, found.recall, found.f1)]
        assert ours == pytest.approx([column[index] for column in expected[:3]])


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    found = scores_of(never_predicted()).classes[3]
    assert (found.predicted, found.precision, found.recall, found.f1) == (0, None, 0.0, 0.0)
    assert found.images > 0


def test_one_class_only_leaves_the_others_without_recall() -> None:
    answers = one_class_only()
    found = scores_of(answers)
    assert [each.recall is None for each in found.classes] == [index != 4 for index in range(7)]
    assert found.classes[4].precision == 1.0
    assert found.accuracy.value == found.classes[4].recall
    ranked = rankings(answers)
    assert [each.auc for each in ranked] == [None] * 7
    assert [each.average_precision for each in ranked] == [None] * 4 + [1.0] + [None] * 2
    assert mean_of(tuple(each.auc for each in ranked)) is None


@pytest.mark.parametrize("seed", range(3))
def test_top_k_is_that_of_scikit_learn_where_nothing_is_tied(seed: int) -> None:
    answers = random_answers(seed)
    found = scores_of(answers).top
    assert list(found) == [3, 5]
    for k, rate in found.items():
        expected = metrics.top_k_accuracy_score(answers.labels, answers.probabilities, k=k, labels=np.arange(7))
        assert rate == wilson(round(expected * len(answers)), len(answers))


@every_case
def test_top_k_breaks_ties_as_accuracy_does(make: Callable[[], Answers]) -> None:
    answers = make()
    order = np.argsort(-answers.logits, axis=1, kind="stable")  # of equal ones the first class
    assert (order[:, 0] == answers.predicted).all()
    found = scores_of(answers)
    for k, rate in found.top.items():
        assert rate.value == (order[:, :k] == answers.labels[:, None]).any(axis=1).mean()
        assert rate.value >= found.accuracy.value


def test_top_k_is_asked_only_where_it_says_something() -> None:
    assert [top_of(classes) for classes in (2, 3, 4, 5, 6, 1000)] == [[], [2], [2, 3], [2, 3], [3, 5], [3, 5]]


def test_cross_entropy_stays_right_where_a_probability_rounds_to_nothing() -> None:
    answers = Answers(np.array([[0, 1000], [0, 0]], dtype=np.float32), np.array([0, 1]))
    assert answers.probabilities[0, 0] == 0
    assert scores_of(answers).cross_entropy == pytest.approx((1000 + math.log(2)) / 2)


@pytest.mark.parametrize(
    ("hits", "images", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (81, 263, 0.25525, 0.36621), (15, 148, 0.06237, 0.16054)],
)
def test_wilson_interval_as_published(hits: int, images: int, low: float, high: float) -> None:
    """The last two are from Newcombe 1998, table I (doi:10.1002/(SICI)1097-0258(19980430)17:8<857), to 4 digits."""
    found = wilson(hits, images)
    z, share = 1.959963984540054, hits / images
    middle = (share + z * z / (2 * images)) / (1 + z * z / images)
    half = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images**2)) / (1 + z * z / images)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@every_case
def test_rankings_are_those_of_scikit_learn(make: Callable[[], Answers]) -> None:
    answers = make()
    for index, found in enumerate(rankings(answers)):
        of_class, likely = answers.labels == index, answers.probabilities[:, index]
        assert found.images == of_class.sum()
        assert (found.auc is None) == (not 0 < found.images < len(answers))
        assert (found.average_precision is None) == (not found.images)
        if found.auc is not None:
            assert found.auc == pytest.approx(metrics.roc_auc_score(of_class, likely))
            assert (found.roc[0][0], found.roc[1][0], found.roc[0][-1], found.roc[1][-1]) == (0, 0, 1, 1)
            assert metrics.auc(*found.roc) == pytest.approx(found.auc, abs=0.01)
        if found.average_precision is not None:
            assert found.average_precision == pytest.approx(metrics.average_precision_score(of_class, likely))
            assert (found.precision_recall[0][0], found.precision_recall[0][-1]) == (1, 0)
        assert max(len(found.roc[0]), len(found.precision_recall[0])) <= MAX_POINTS


def test_auc_is_the_chance_that_one_of_the_class_comes_first_ties_counting_half() -> None:
    answers = coarse()
    for index, found in enumerate(rankings(answers)):
        of_class, likely = answers.labels == index, answers.probabilities[:, index]
        ahead = likely[of_class][:, None] - likely[~of_class]
        assert found.auc == pytest.approx(((ahead > 0) + 0.5 * (ahead == 0)).mean())


def test_what_cannot_be_judged_gets_one_sentence() -> None:
    with pytest.raises(EvaluationError, match="no image in this split"):
        Answers(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    with pytest.raises(EvaluationError, match="do not fit"):
        Answers(np.zeros((2, 3), np.float32), np.zeros(4, np.int64))
    for label in (-1, 3):
        with pytest.raises(EvaluationError, match="the network knows 3 classes"):
            Answers(np.zeros((1, 3), np.float32), np.array([label]))


def test_a_report_tells_how_far_it_is_and_can_be_cancelled() -> None:
    told: list[tuple[int, int]] = []
    report_of(random_answers(0), lambda *at: told.append(at))
    assert told == [(index, 7) for index in range(7)]

    class Enough(BaseException):
        pass

    def leave(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        report_of(random_answers(0), leave)
