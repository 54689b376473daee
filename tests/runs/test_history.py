"""Curves stay small and true however long a run is."""

import numpy as np
import pytest

from core.model.presets import preset
from core.runs.history import MAX_EPOCHS, MAX_POINTS, Best, Curve, History
from core.runs.overview import LONG, _stretches
from core.runs.records import Evidence, Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig


def test_a_short_curve_is_kept_as_it_is():
    curve = Curve()
    for index in range(10):
        curve.add(index, index + 1, loss=float(index), accuracy=index / 10)
    points = curve.points(steps_per_epoch=5)
    assert [point.loss for point in points] == list(range(10))
    assert [point.epochs for point in points] == [step / 5 for step in range(1, 11)]


@pytest.mark.parametrize("length", [MAX_POINTS + 1, 3_000, 50_000])
def test_a_long_curve_is_thinned_to_exact_means(length):
    losses = np.random.default_rng(0).normal(size=length)
    curve = Curve()
    for index, loss in enumerate(losses):
        curve.add(index, index + 1, loss, 0.0)
    points = curve.points(1)
    assert MAX_POINTS / 2 - 1 <= len(points) <= MAX_POINTS
    width = curve.width
    means = [losses[start : start + width].mean() for start in range(0, length, width)]
    np.testing.assert_allclose([point.loss for point in points], means, rtol=1e-9, atol=1e-12)
    assert points[-1].step == length


def test_a_thinned_curve_keeps_the_learning_rate_of_its_last_steps():
    curve = Curve(limit=4)
    for index in range(8):
        curve.add(index, index + 1, 0.0, 0.0, lr=0.1 / (index + 1))
    assert [(point.step, point.lr) for point in curve.points(1)] == [(step, 0.1 / step) for step in (2, 4, 6, 8)]


@pytest.fixture
def store(home):
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def run_id(store):
    return store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")


def metric(step, loss, valid=None, per_epoch=2, seconds=0.0):
    score = {} if valid is None else {"valid_loss": valid, "valid_accuracy": 1 - valid / 10}
    return Metric(step, -(-step // per_epoch), 0.1, seconds or float(step), loss, 0.25, **score)


def test_only_new_steps_are_taken_in(store, run_id):
    asked = []
    read = store.series.metrics
    store.series.metrics = lambda run, after=0: asked.append(after) or read(run, after)
    history = History(store, run_id)
    for step in (1, 2, 3):
        store.worker.record(run_id, [metric(step, float(step), 8.75 if step == 2 else None)])
        history.update()
    history.update()
    assert asked == [0, 0, 1, 2]  # the last step known is read again: it tells whether the run went back
    points = history.points(steps_per_epoch=2)
    assert [point.loss for point in points["train"]] == [1.0, 2.0, 3.0]
    assert [(point.epochs, point.loss, point.accuracy) for point in points["valid"]] == [(1.0, 8.75, 0.125)]


@pytest.mark.parametrize("watched", [True, False])
def test_a_run_that_went_on_from_an_earlier_checkpoint_is_read_anew(store, run_id, watched):
    history = History(store, run_id)
    store.worker.record(run_id, [metric(step, 1.0, 0.5 if step % 2 == 0 else None) for step in range(1, 9)])
    store.worker.record(run_id, (), evidence=[Evidence(step, "gradient", "conv1", 1.0) for step in (4, 8)])
    history.update()
    assert len(history.evidence("gradient")) == 2
    store.worker.rewind(run_id, 4)
    if watched:
        history.update()
        assert history.last is not None and history.last.step == 4
    store.worker.record(
        run_id, [metric(step, 3.0, 0.7 if step % 2 == 0 else None, seconds=step + 60) for step in range(5, 10)]
    )
    store.worker.record(run_id, (), evidence=[Evidence(8, "gradient", "conv1", 2.0)])
    history.update()
    assert [point.loss for point in history.points(2)["train"]] == [1.0] * 4 + [3.0] * 5
    assert [point.loss for point in history.points(2)["valid"]] == [0.5, 0.5, 0.7, 0.7]
    assert [moment.value for moment in history.evidence("gradient")] == [1.0, 2.0]


def test_the_best_epoch_is_exact_in_a_run_too_long_to_keep_every_epoch(store, run_id):
    epochs = 5 * MAX_EPOCHS
    losses = np.random.default_rng(0).permutation(epochs) / 100 + 0.01
    store.worker.record(
        run_id, [metric(step, 1.0, float(losses[step - 1]), per_epoch=1) for step in range(1, epochs + 1)]
    )
    history = History(store, run_id)
    assert history.best is None
    history.update()
    lowest = int(losses.argmin())
    assert history.best == Best(lowest + 1, lowest + 1, losses[lowest], 1 - losses[lowest] / 10)
    assert len(history.points(1)["valid"]) <= MAX_EPOCHS


def long_run(first, last, loss=lambda step: 1 + (step * 7919 % 100) / 100):
    return [
        metric(step, loss(step), 0.5 + step / 1e6 if step % 300 == 0 else None, per_epoch=300)
        for step in range(first, last + 1)
    ]


def test_the_first_look_at_a_long_run_shows_what_following_it_has_shown(store, run_id):
    length = LONG + 2_345
    follower, asked = History(store, run_id), []
    store.worker.record(run_id, long_run(1, LONG - 1))
    follower.update()
    store.worker.record(run_id, long_run(LONG, length))
    follower.update()
    read = store.series.metrics
    store.series.metrics = lambda run, after=0: asked.append(after) or read(run, after)
    newcomer = History(store, run_id)
    newcomer.update()
    assert asked == [length]  # of the steps before, only the overview was read
    assert newcomer.points(300)["valid"] == follower.points(300)["valid"]
    for mine, other in zip(newcomer.points(300)["train"], follower.points(300)["train"], strict=True):
        assert (mine.step, mine.epochs, mine.lr) == (other.step, other.epochs, other.lr)
        np.testing.assert_allclose([mine.loss, mine.accuracy], [other.loss, other.accuracy], rtol=1e-12)
    assert (newcomer.best, newcomer.last) == (follower.best, follower.last)
    assert newcomer.steps() == follower.steps()
    assert newcomer.times.left(600, 2) == pytest.approx(follower.times.left(600, 2))


def test_long_stretches_are_averaged_over_steps_spread_evenly(store, run_id):
    store.worker.record(run_id, long_run(1, 9_999, float))
    with store.database.reading() as connection:
        means = _stretches(connection, run_id, 1024, 9_999)
    assert [means[index].step for index in range(10)] == [*range(1024, 9_999, 1024), 9_999]
    assert [means[index].count for index in range(10)] == [1024] * 9 + [783]
    spread = [np.mean([128 * part + step for part in range(8) for step in range(1, 33)]) + 1024 * at for at in range(9)]
    assert [means[index].loss for index in range(9)] == pytest.approx(spread)


def test_a_long_run_that_was_rewound_is_looked_at_anew(store, run_id):
    store.worker.record(run_id, long_run(1, LONG + 50))
    history = History(store, run_id)
    history.update()
    store.worker.rewind(run_id, LONG + 10)
    store.worker.record(run_id, long_run(LONG + 11, LONG + 20, lambda step: 9.0))
    history.update()
    whole = History(store, run_id)
    whole.update()
    assert history.last is not None and history.last.step == LONG + 20
    assert history.points(300) == whole.points(300)


def test_a_run_that_has_not_gone_on_is_not_read_again(store, run_id):
    store.worker.record(run_id, [metric(1, 1.0)], step=1, seconds=1.0)
    history, looks = History(store, run_id), []
    history.update(store.get(run_id))
    read = store.series.metrics
    store.series.metrics = lambda run, after=0: looks.append(after) or read(run, after)
    history.update(store.get(run_id))
    assert history.evidence("gradient", run=store.get(run_id)) == ()  # which was not asked before
    history.evidence("gradient", run=store.get(run_id))
    assert len(looks) == 1


def test_evidence_is_read_once_and_kept_by_kind(store, run_id):
    asked = []
    read = store.series.evidence
    store.series.evidence = lambda run, kind, after: asked.append((kind, after)) or read(run, kind, after)
    history = History(store, run_id)
    first = Evidence(0, "weights", "conv1", 0.5, (0.0, 1.0, 3.0, 4.0))
    store.worker.record(run_id, (), evidence=[first, Evidence(0, "dead", "relu1", 0.25)])
    assert history.evidence("weights") == (first,)
    second = Evidence(8, "weights", "conv1", 0.75, (0.0, 2.0, 5.0, 2.0))
    store.worker.record(run_id, (), evidence=[second])
    assert history.evidence("weights") == (first, second)
    assert asked == [("weights", -1), ("weights", 0)]
