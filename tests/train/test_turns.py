"""Runs trained in turns on one thread: each as if it were alone, to the last bit, and recorded when its turn ends."""

import time
from dataclasses import replace

import pytest
import torch

from core.data.datasets import Dataset
from core.model.layers import Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import load_checkpoint
from core.runs.records import Run, Status
from core.runs.store import RunStore
from core.runs.transactions import BusyError
from core.train import turns as module
from core.train.config import TrainConfig
from core.train.retry import AGAIN_SECONDS, attempts
from core.train.runner import Runner
from core.train.turns import Turns, in_one_go

SPEC = ModelSpec("drops", (1, 8, 8), 10, (Conv(4), Dropout(0.5), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=2, batch_size=32, train_images=96, precision="fp32", device="cpu", shift=0.2, seed=3)


@pytest.fixture
def store(home, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(module, "SOON_SECONDS", 60.0)  # images are there within the first turn
    store = RunStore()
    yield store
    store.close()


def outcome(store, run_id):
    """Return all that was measured and learned, but for the time that it took."""
    metrics = [replace(metric, seconds=0.0) for metric in store.metrics(run_id)]
    evidence = tuple(store.series.evidence(run_id))
    weights = {name: value.tolist() for name, value in load_checkpoint(store.checkpoint(run_id)).weights.items()}
    run = store.get(run_id)
    return run.status, metrics, evidence, weights, run.test_loss


def begin(store: RunStore, run_id: str, turns: Turns[Status]) -> float:
    """Take a run's turns up to its first step, before which each layer that is measured is one; return when it is due.

    Its weights are written by then, too.
    """
    due = next(turns)
    while not store.get(run_id).step:
        due = next(turns)
    return due


def test_runs_in_turns_learn_what_each_learns_alone_to_the_last_bit(store):
    configs = [CONFIG, replace(CONFIG, seed=4, batch_size=24, optimizer="sgd")]
    alone = [store.create(SPEC, config, "digits", owner="tests") for config in configs]
    for run_id in alone:
        assert Runner(store, run_id, "tests").run() is Status.FINISHED
    together = [store.create(SPEC, config, "digits", owner="tests") for config in configs]
    running, recorded = [Runner(store, run_id, "tests").turns(lambda: True) for run_id in together], []
    while running:
        for turns in list(running):
            if next(turns, None) is None:
                running.remove(turns)
        recorded.append(tuple(store.get(run_id).step for run_id in together))
    # Each turn was one step, and it was recorded, or a part of what comes before the first and after that of an epoch.
    assert list(dict.fromkeys(recorded))[:6] == [(0, 0), (1, 1), (2, 2), (2, 3), (3, 3), (4, 4)]
    assert [outcome(store, run_id) for run_id in together] == [outcome(store, run_id) for run_id in alone]


def test_a_paused_run_and_one_in_slow_motion_have_nothing_to_do_but_look(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    store.set_pace(run_id, 0.001)
    turns, began = Runner(store, run_id, "tests").turns(lambda: True), time.monotonic()
    assert begin(store, run_id, turns) - began == pytest.approx(1000, abs=30)  # the next batch is due then
    store.request(run_id, "pause")
    while (due := next(turns)) <= time.monotonic():
        pass
    assert due - began == pytest.approx(600, abs=30)
    assert (store.get(run_id).status, store.get(run_id).step) == (Status.PAUSED, 1)
    store.request(run_id, "stop")
    with pytest.raises(StopIteration) as end:
        next(turns)
    assert end.value.value is Status.STOPPED


def test_a_run_told_to_leave_before_its_first_turn_is_interrupted_untouched(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    assert Runner(store, run_id, "tests", leaving=lambda: True).run() is Status.INTERRUPTED
    assert "closed" in store.get(run_id).message and store.epochs(run_id) == ()


def test_a_write_is_tried_again_when_its_time_has_come_and_others_may_go_on_meanwhile():
    tries = []

    def act() -> str:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise BusyError("locked")
        return "written"

    turns = attempts(act)
    assert next(turns) == next(turns)  # resumed too early, it waits on
    assert len(tries) == 1
    assert in_one_go(turns, 10.0) == "written"
    assert tries[1] - tries[0] >= AGAIN_SECONDS


LAST = 3  # step of the first epoch: its validation has two batches


@pytest.mark.parametrize("wish", ["stop", "pause"])
def test_what_is_asked_during_a_validation_is_obeyed_there_and_the_run_goes_on_from_there_to_the_last_bit(store, wish):
    undisturbed, run_id = (store.create(SPEC, CONFIG, "digits", owner="tests") for _ in range(2))
    Runner(store, undisturbed, "tests").run()
    turns = Runner(store, run_id, "tests").turns(lambda: True)
    begin(store, run_id, turns)
    for _ in range(LAST - 1):
        next(turns)
    assert store.get(run_id).step == LAST - 1  # between the two batches of the validation
    store.request(run_id, wish)
    next(turns, None)
    assert store.get(run_id).status is {"stop": Status.STOPPED, "pause": Status.PAUSED}[wish]
    assert load_checkpoint(store.checkpoint(run_id)).meta["step"] == str(LAST)
    turns.close()
    store.request(run_id, "step")  # pressed once, it ends the step whose validation was not over
    assert store.worker.claim("tests", 9) == run_id
    turns = Runner(store, run_id, "tests").turns()
    next(turns)
    assert (store.get(run_id).status, store.get(run_id).step) == (Status.PAUSED, LAST)
    store.request(run_id, "resume")
    store.worker.claim("tests", 9)
    assert in_one_go(turns, 1.0) is Status.FINISHED
    assert outcome(store, run_id) == outcome(store, undisturbed)


@pytest.mark.parametrize("config", [replace(CONFIG, epochs=1), replace(CONFIG, target_accuracy=0.001)])
def test_a_stop_during_the_test_at_the_end_is_obeyed_there_and_only_the_test_is_left(store, config):
    run_id = store.create(SPEC, config, "digits", owner="tests")
    turns = Runner(store, run_id, "tests").turns(lambda: True)
    begin(store, run_id, turns)
    while store.get(run_id).step < LAST:
        next(turns)
    next(turns)  # the first batch of the test
    assert (store.get(run_id).status, store.get(run_id).step) == (Status.RUNNING, LAST)
    store.request(run_id, "stop")
    with pytest.raises(StopIteration):
        next(turns)
    assert (store.get(run_id).status, store.get(run_id).test_loss) == (Status.STOPPED, None)
    store.request(run_id, "resume")
    assert store.worker.claim("tests", 9) == run_id
    assert Runner(store, run_id, "tests").run() is Status.FINISHED
    run = store.get(run_id)
    assert run.step == len(store.metrics(run_id)) == LAST
    assert run.test_loss is not None
    assert run.message.startswith("It reached the target") == bool(config.target_accuracy)


def test_a_run_whose_images_take_long_to_load_obeys_meanwhile(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")

    def load(run: Run) -> Turns[Dataset]:
        while True:
            yield time.monotonic()

    turns = Runner(store, run_id, "tests", load=load).turns()
    next(turns)
    store.request(run_id, "stop")
    with pytest.raises(StopIteration) as end:
        next(turns)
    assert end.value.value is Status.STOPPED
