"""A remaining time is named once the batch times say it to a tenth, and it is then right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.history import History
from core.runs.records import Metric, Status
from core.runs.remaining import FEWEST, WARM_UP, BatchTimes, expected_seconds, seconds_left, shared_seconds
from core.runs.store import RunStore
from core.train.config import TrainConfig


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


SPEC = ModelSpec("Line", (1, 8, 8), 10, (Flatten(), Dense(10)))


def after(spans: list[float]) -> list[float | None]:
    """Return what is said to be left of ten further batches after each batch of these durations."""
    times, said, clock = BatchTimes(), [], 0.0
    for step, span in enumerate(spans, start=1):
        clock += span
        times.add(step, clock)
        said.append(times.left(10, 0))
    return said


def test_even_batches_are_known_after_the_fewest_and_a_slow_start_does_not_count():
    said = after([5.0, 3.0] + [0.2] * 12)
    first = WARM_UP + FEWEST
    assert said[: first - 1] == [None] * (first - 1)
    assert said[first - 1 :] == [pytest.approx(2.0)] * 3


def test_scattered_batches_are_waited_for_until_their_mean_is_known_to_a_tenth():
    said = after([1.0, 1.0] + [0.1, 0.3] * 30)  # the deviation is half of the mean: (0.5 / 0.1)² = 25 batches
    counted = [index + 1 - WARM_UP for index, left in enumerate(said) if left is not None]
    assert counted[0] in (25, 26, 27)
    assert said[-1] == pytest.approx(2.0)


def test_a_run_counts_its_batches_and_its_validations_to_come(store):
    run_id = store.create(SPEC, TrainConfig(epochs=3), "digits")
    spans = [0.1 + 2.0 * (step % 20 == 0) for step in range(1, 31)]
    metrics = [
        Metric(step, 1 + (step - 1) // 20, 0.1, sum(spans[:step]), 1.0, 0.5, *((1.0, 0.5) if step % 20 == 0 else ()))
        for step in range(1, 31)
    ]
    store.worker.record(run_id, metrics, step=30, steps_per_epoch=20, total_steps=60, seconds=sum(spans))
    history = History(store, run_id)
    history.update()
    assert seconds_left(store.get(run_id), history.times) == pytest.approx(30 * 0.1 + 2 * 2.0)


def test_what_waits_takes_as_long_as_the_same_training_took(store):
    done, other, waiting = (
        store.create(SPEC, TrainConfig(epochs=epochs, batch_size=size, seed=seed), "digits")
        for epochs, size, seed in ((2, 32, 1), (2, 64, 1), (5, 32, 2))
    )
    for run_id in (done, other):
        store.change(run_id, status=Status.FINISHED.value, step=80, steps_per_epoch=40, total_steps=80, seconds=6.0)
    run = store.get(waiting)
    assert expected_seconds(run, [store.get(other)]) is None
    assert expected_seconds(run, store.list()) == pytest.approx(15.0)


def test_runs_that_take_turns_last_as_long_as_their_shares_say():
    assert shared_seconds(10, []) == 10
    assert shared_seconds(10, [10, 10]) == 30
    assert shared_seconds(10, [4, 100, None]) == 10 + 4 + 10 + 10
    assert shared_seconds(10, [10, 10], at_a_time=2) == 15
    assert shared_seconds(10, [2], at_a_time=2) == 10


def test_only_runs_that_want_turns_of_the_same_engine_count_as_beside_a_run(store):
    run_id, half, _new, slow, paused, elsewhere = (
        store.create(SPEC, TrainConfig(), "digits", owner=owner) for owner in ("me",) * 5 + ("they",)
    )
    for each in (half, slow, paused, elsewhere):
        store.change(each, step=10, total_steps=30, seconds=5.0)
    store.set_pace(slow, 2.0)
    store.request(paused, "pause")
    assert sorted(store.beside(run_id), key=str) == [10.0, None]
    assert store.beside(elsewhere) == ()
    store.change(run_id, status="queued")
    assert store.beside(run_id) == ()
