"""What people ask of a run while others ask, take, pause and finish it at the same moment."""

import time

import pytest

from core.model.presets import preset
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig

SPEC = preset("tutorial", (1, 8, 8), 10)


@pytest.fixture
def store(database):
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def run_id(store):
    return store.create(SPEC, TrainConfig(), "digits")


def test_a_run_resumed_twice_at_once_is_queued_once(store, run_id):
    store.request(run_id, "pause")
    store.request(run_id, "resume")
    assert store.worker.claim("there", 1) == run_id
    store.request(run_id, "resume")  # by somebody who still saw it paused
    assert store.get(run_id).status is Status.RUNNING  # not back in the queue, for a second worker
    assert store.worker.claim("here", 1) is None


@pytest.mark.parametrize("what", ["resume", "step", "epoch"])
def test_a_run_that_pauses_at_the_moment_it_is_resumed_goes_on(store, run_id, what):
    store.worker.claim("me", 1)
    store.request(run_id, "pause")
    store.worker.hold(run_id, "me")
    store.request(run_id, what)  # by somebody who still saw it train
    assert store.get(run_id).status is Status.QUEUED
    assert store.worker.claim("me", 1) == run_id


@pytest.mark.parametrize("what", ["pause", "resume", "stop"])
def test_what_is_asked_last_takes_back_the_steps_that_were_wanted(store, run_id, what):
    store.worker.claim("me", 1)
    store.change(run_id, steps_per_epoch=100)
    store.request(run_id, "epoch")
    assert store.worker.requests(run_id).steps == 100
    store.request(run_id, what)
    assert store.worker.requests(run_id).steps == 0


def test_clicks_for_single_steps_add_up(store, run_id):
    store.worker.claim("me", 1)
    for _ in range(3):
        store.request(run_id, "step")
    assert store.worker.requests(run_id).steps == 3


def test_a_clock_that_is_put_back_lets_nobody_jump_the_queue(store, run_id, monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    second, third = (store.create(SPEC, TrainConfig(), "digits") for _ in range(2))
    store.request(second, "pause")
    store.request(second, "resume")
    assert [store.worker.claim("me", 9) for _ in range(3)] == [run_id, third, second]
