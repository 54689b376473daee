"""Outlines of many runs cost one query, are true, and are read again only when a run has moved on."""

from collections.abc import Iterator

import numpy as np
import pytest

import core.runs.curves as module
from core.model.presets import preset
from core.runs.curves import POINTS, SAMPLE, Outlines, outlines
from core.runs.records import Metric, Run
from core.runs.store import RunStore
from core.train.config import TrainConfig

LENGTHS = (0, 1, 7, POINTS, POINTS + 1, 500)


@pytest.fixture
def store(database: str) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


def record(store: RunStore, losses: list[float], accuracies: dict[int, float]) -> Run:
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")
    metrics = [Metric(i + 1, 1, 0.1, i, loss, 0.5, loss, accuracies.get(i)) for i, loss in enumerate(losses)]
    store.worker.record(run_id, metrics, step=len(losses))
    return store.get(run_id)


def test_each_run_has_the_means_of_its_own_stretches_and_its_own_best_epoch(store: RunStore) -> None:
    source = np.random.default_rng(0)
    losses = {record(store, series, {3: 0.25, 5: 0.75, 6: 0.5}).id: series for series in series_of(source)}
    runs = store.list()
    found = outlines(store, runs)
    assert set(found) == set(losses)
    for run in runs:
        values = np.array(losses[run.id])
        width = -(-len(values) // POINTS)
        means = [values[start : start + min(width, SAMPLE)].mean() for start in range(0, len(values), width or 1)]
        np.testing.assert_allclose(found[run.id].train_loss, means)
        assert len(means) <= POINTS
        assert found[run.id].best_valid_accuracy == (0.75 if len(values) > 5 else None)


def series_of(source: np.random.Generator) -> list[list[float]]:
    return [source.uniform(size=length).tolist() for length in LENGTHS]


def test_more_runs_than_a_query_may_name_are_read_all_the_same(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [record(store, [float(number)], {0: number / 10}) for number in range(5)]
    monkeypatch.setattr(module, "AT_ONCE", 2)
    found = outlines(store, runs)
    assert [found[run.id].train_loss for run in runs] == [(0.0,), (1.0,), (2.0,), (3.0,), (4.0,)]
    assert [found[run.id].best_valid_accuracy for run in runs] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_only_runs_that_moved_on_are_read_again(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [record(store, [2.0], {}), record(store, [1.0], {0: 0.5})]
    asked: list[list[str]] = []

    def watched(store: RunStore, runs: list[Run]) -> object:
        asked.append([run.id for run in runs])
        return outlines(store, runs)

    monkeypatch.setattr(module, "outlines", watched)
    known = Outlines(store)
    first = known.of(runs)
    assert known.of(runs) == first
    store.worker.record(runs[0].id, [Metric(2, 1, 0.1, 1, 1.5, 0.5, 1.5, 0.25)], step=2)
    moved = store.get(runs[0].id)
    assert known.of([moved, runs[1]])[moved.id].train_loss == (2.0, 1.5)
    assert asked == [[run.id for run in runs], [moved.id]]


def test_what_is_kept_is_bounded(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHED", 2)
    known = Outlines(store)
    runs = [record(store, [float(number)], {}) for number in range(4)]
    for run in runs:
        known.of([run])
    assert len(known._cache) == 2
    assert set(known.of(runs)) == {run.id for run in runs}
