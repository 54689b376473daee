"""The curves of a whole run are true means in few points, by epoch and by seconds."""

from collections.abc import Iterator

import numpy as np
import pytest

from core.model.presets import preset
from core.runs.curves import MAX_EPOCHS, MAX_POINTS, RunCurve, course
from core.runs.records import Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig


@pytest.fixture
def store(database: str) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


def curves(store: RunStore, epochs: int, length: int, losses: list[float]) -> RunCurve:
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")
    metrics = []
    for step, loss in enumerate(losses, start=1):
        valid = (loss + 1, step / 1000) if step % length == 0 else ()
        metrics.append(Metric(step, 1 + (step - 1) // length, 0.1, step / 10, loss, loss / 2, *valid))
    store.worker.record(run_id, metrics, step=len(losses), epoch=epochs, steps_per_epoch=length)
    return course(store, store.get(run_id))


def test_a_short_run_is_given_whole(store: RunStore) -> None:
    found = curves(store, 2, 2, [4.0, 3.0, 2.0, 1.0])
    assert [(spot.epochs, spot.seconds, spot.loss, spot.accuracy) for spot in found.train] == [
        (0.5, 0.1, 4.0, 2.0),
        (1.0, 0.2, 3.0, 1.5),
        (1.5, 0.3, 2.0, 1.0),
        (2.0, 0.4, 1.0, 0.5),
    ]
    assert [(spot.epochs, spot.seconds, spot.loss, spot.accuracy) for spot in found.valid] == [
        (1.0, 0.2, 4.0, 0.002),
        (2.0, 0.4, 2.0, 0.004),
    ]


def test_a_long_run_becomes_means_of_equal_stretches(store: RunStore) -> None:
    losses = np.random.default_rng(0).uniform(size=1000)
    found = curves(store, 250, 4, losses.tolist())
    width = -(-1000 // MAX_POINTS)
    np.testing.assert_allclose(
        [spot.loss for spot in found.train], [losses[at : at + width].mean() for at in range(0, 1000, width)]
    )
    ends = losses[3::4] + 1
    np.testing.assert_allclose(
        [spot.loss for spot in found.valid], [ends[at : at + 3].mean() for at in range(0, 250, 3)]
    )
    assert found.train[-1].epochs == found.valid[-1].epochs == 250
    assert found.train[-1].seconds == 100
    assert len(found.train) <= MAX_POINTS
    assert len(found.valid) <= MAX_EPOCHS


def test_before_the_first_step_there_is_nothing(store: RunStore) -> None:
    assert curves(store, 0, 1, []) == RunCurve((), ())
