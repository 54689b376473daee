"""Watching a run gives the diagnosis of all it recorded, and reads nothing twice."""

import math
from collections.abc import Callable

import pytest

from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.history import History
from core.runs.overview import MOST, WHOLE
from core.runs.records import DIVERGED, Evidence, Metric, Status
from core.runs.series import Series
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.diagnosis.diagnose import diagnose
from core.train.diagnosis.watch import Observer

GUESS = math.log(10)
SPEC = ModelSpec("small", (1, 8, 8), 10, (Flatten(), Dense(10)))


class Counting(Series):
    """Records that count the rows that were read."""

    read = 0

    def metrics(self, run_id: str, after_step: int = 0) -> tuple[Metric, ...]:
        rows = super().metrics(run_id, after_step)
        self.read += len(rows)
        return rows

    def evidence(self, run_id: str, kind: str | None = None, after_step: int = -1) -> tuple[Evidence, ...]:
        rows = super().evidence(run_id, kind, after_step)
        self.read += len(rows)
        return rows


def steps(first: int, last: int, loss: Callable[[int], float], size: int = 50) -> list[Metric]:
    return [
        Metric(
            step, (step - 1) // size + 1, 0.1, step / 10, loss(step), 0.1, *((GUESS, 0.1) if not step % size else ())
        )
        for step in range(first, last + 1)
    ]


@pytest.fixture
def store():
    store = RunStore()
    store.series = Counting(store.database)
    yield store
    store.close()


@pytest.fixture
def run_id(store):
    return store.create(SPEC, TrainConfig(lr=0.1), "digits", owner="tests")


def record(store, run_id, metrics, evidence=()):
    seconds = store.get(run_id).seconds + 1
    store.worker.record(run_id, metrics, evidence, step=metrics[-1].step, seconds=seconds, steps_per_epoch=50)
    return store.get(run_id)


def test_it_says_what_the_diagnosis_of_all_steps_says(store, run_id):
    observer = Observer(History(store, run_id))
    assert observer.findings(record(store, run_id, steps(1, 20, lambda step: GUESS))) == ()
    gradients = [Evidence(step, "gradient", "all", 1.0) for step in range(1, 40)]
    run = record(store, run_id, steps(21, 200, lambda step: 900.0 if step == 30 else GUESS), gradients)
    expected = diagnose(run, store.metrics(run_id), store.series.evidence(run_id), num_classes=10)
    assert [finding.rule for finding in expected] == ["high_rate"]
    assert observer.findings(run) == expected


def test_only_what_is_new_is_read_and_only_when_there_is_something_new(store, run_id):
    observer = Observer(History(store, run_id))
    gradients = [Evidence(step, "gradient", "all", 1.0) for step in range(1, 11)]
    run = record(store, run_id, steps(1, 500, lambda step: GUESS), gradients)
    first = observer.findings(run)
    assert store.series.read == 510
    assert observer.findings(run) is first
    assert store.series.read == 510
    run = record(store, run_id, steps(501, 503, lambda step: GUESS), [Evidence(502, "dead", "relu1", 0.0)])
    observer.findings(run)
    assert store.series.read == 510 + 1 + 3 + 1  # the last step once more, to see that it was not taken back


def test_another_state_is_judged_anew(store, run_id):
    observer = Observer(History(store, run_id))
    run = record(store, run_id, steps(1, 200, lambda step: GUESS + 5 * (step == 9)))
    (before,) = observer.findings(run)
    store.change(run_id, status=Status.FAILED.value, failure=DIVERGED)
    (after,) = observer.findings(store.get(run_id))
    assert "stays at" in before.evidence
    assert "no longer a number" in after.evidence


def test_what_was_taken_back_is_forgotten(store, run_id):
    observer = Observer(History(store, run_id))
    run = record(store, run_id, steps(1, 120, lambda step: 900.0 if step > 100 else GUESS))
    assert [finding.rule for finding in observer.findings(run)] == ["high_rate"]
    store.worker.rewind(run_id, 100)
    run = record(store, run_id, steps(101, 120, lambda step: GUESS))
    assert [finding.rule for finding in observer.findings(run)] == ["guessing"]


def test_a_long_run_is_kept_in_part(store, run_id):
    observer = Observer(History(store, run_id))
    for start in range(0, 30_000, 6000):
        run = record(store, run_id, steps(start + 1, start + 6000, lambda step: GUESS, size=500))
        assert [finding.rule for finding in observer.findings(run)] == ["guessing"]
        kept = [metric.step for metric in observer._history.steps()]
        assert kept == sorted(set(kept))
        assert kept[:WHOLE] == list(range(1, WHOLE + 1))
        assert set(range(500, start + 6001, 500)) <= set(kept)
        assert len(kept) <= MOST
