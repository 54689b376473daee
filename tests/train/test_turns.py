"""Runs trained in turns on one thread: each as if it were alone, to the last bit, and recorded when its turn ends."""

import time
from dataclasses import replace

import pytest
import torch

from core.model.layers import Conv, Dense, Dropout, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.runs.transactions import BusyError
from core.train.config import TrainConfig
from core.train.retry import AGAIN_SECONDS, attempts
from core.train.runner import Runner
from core.train.turns import in_one_go

SPEC = ModelSpec("drops", (1, 8, 8), 10, (Conv(4), Dropout(0.5), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=2, batch_size=32, train_images=96, precision="fp32", device="cpu", shift=0.2, seed=3)


@pytest.fixture
def store(home):
    torch.set_num_threads(1)
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
        recorded.append([store.get(run_id).step for run_id in together])
    assert recorded[:3] == [[1, 1], [2, 2], [3, 3]]  # each turn was one step, and it was recorded
    assert [outcome(store, run_id) for run_id in together] == [outcome(store, run_id) for run_id in alone]


def test_a_paused_run_and_one_in_slow_motion_have_nothing_to_do_but_look(store):
    run_id = store.create(SPEC, CONFIG, "digits", owner="tests")
    store.set_pace(run_id, 0.001)
    turns, began = Runner(store, run_id, "tests").turns(lambda: True), time.monotonic()
    assert next(turns) - began == pytest.approx(1000, abs=30)  # the next batch is due then
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
