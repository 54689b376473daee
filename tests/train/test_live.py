"""What people do to a training while it trains: it obeys, says so in the record, and ends where it should."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from core.data.datasets import load_dataset
from core.errors import RunError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.loop import Training
from core.train.runner import Runner

SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=3, batch_size=32, train_images=96, precision="fp32", device="cpu", optimizer="momentum")


@pytest.fixture
def store(home, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr("core.train.runner.POLL_SECONDS", 0.0)  # looks before every step
    store = RunStore()
    yield store
    store.close()


def run(store, on_step, config=CONFIG):
    run_id = store.create(SPEC, config, "digits", owner="tests")
    runner = Runner(store, run_id, "tests", on_step=lambda training, step: on_step(run_id, training, step))
    return run_id, runner.run()


def test_a_live_edit_holds_from_the_next_step_and_is_written_down(store):
    def edit(run_id, training, step):
        if step.step == 4:
            store.edit(run_id, {"lr": 0.5, "weight_decay": 0.01, "momentum": 0.1})

    run_id, _ = run(store, edit)
    assert [metric.lr for metric in store.metrics(run_id)] == [0.001] * 4 + [0.5] * 5
    assert {(event.step, event.kind, event.text) for event in store.series.events(run_id)} == {
        (4, "edit", "learning rate 0.001 → 0.5"),
        (4, "edit", "momentum 0.9 → 0.1"),
        (4, "edit", "weight decay (l2) 0 → 0.01"),
    }
    twin = Training(build_model(SPEC, seed=0), load_dataset("digits", limit=96), CONFIG)
    losses = []
    for step in twin:
        losses.append(step.train_loss)
        if step.step == 4:
            twin.adjust(replace(CONFIG, lr=0.5, weight_decay=0.01, momentum=0.1))
    assert [metric.train_loss for metric in store.metrics(run_id)] == losses
    group = twin.optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.1, 0.01)


def test_augmentation_can_be_switched_on_live(store):
    def edit(run_id, training, step):
        if step.step == 4:
            store.edit(run_id, {"shift": 0.3})

    changed, _ = run(store, edit)
    plain, _ = run(store, lambda *_: None)
    one = [metric.train_loss for metric in store.metrics(changed)]
    other = [metric.train_loss for metric in store.metrics(plain)]
    assert one[:4] == other[:4]
    assert one[4] != other[4]


def test_what_cannot_change_live_is_left_alone(store):
    def edit(run_id, training, step):
        if step.step == 2:
            store.edit(run_id, {"batch_size": 1, "lr": -1.0, "magic": 3})

    run_id, status = run(store, edit)
    assert status is Status.FINISHED
    assert store.get(run_id).step == 9
    assert store.series.events(run_id) == ()


def test_an_edited_run_is_taken_up_under_its_edited_settings(store):
    def edit_then_stop(run_id, training, step):
        if step.step == 3:
            store.edit(run_id, {"lr": 0.25})
        if step.step == 5:
            store.request(run_id, "stop")

    run_id, status = run(store, edit_then_stop)
    assert status is Status.STOPPED
    store.request(run_id, "resume")
    assert store.worker.claim("tests", 5) == run_id
    assert Runner(store, run_id, "tests").run() is Status.FINISHED
    assert [metric.lr for metric in store.metrics(run_id)] == [0.001] * 3 + [0.25] * 6
    assert len(store.series.events(run_id)) == 1


def test_the_rest_of_an_epoch_and_then_a_pause(store, monkeypatch):
    monkeypatch.setattr("core.train.runner.HOLD_SECONDS", 0.0)

    def ask(run_id, training, step):
        if step.step == 4:
            store.request(run_id, "pause")

    run_id, status = run(store, ask)
    assert (status, store.get(run_id).step) == (Status.PAUSED, 4)
    store.request(run_id, "epoch")
    assert store.worker.claim("tests", 5) == run_id
    assert Runner(store, run_id, "tests").run() is Status.PAUSED
    assert store.get(run_id).step == 6


def test_a_single_batch_wanted_before_the_first_is_all_that_is_trained(store, monkeypatch):
    monkeypatch.setattr("core.train.runner.HOLD_SECONDS", 0.0)
    run_id = store.create(SPEC, CONFIG, "digits")
    store.request(run_id, "step")
    assert store.worker.claim("tests", 1) == run_id
    assert Runner(store, run_id, "tests").run() is Status.PAUSED
    assert store.get(run_id).step == 1


def test_slow_motion_waits_between_batches_and_a_wish_ends_the_wait(store):
    marks = []

    def slow(run_id, training, step):
        marks.append(time.monotonic())
        if step.step == 2:
            store.set_pace(run_id, 4.0)
        if step.step == 5:
            store.set_pace(run_id, 0.001)  # a quarter of an hour a batch …
            timer.start()

    timer = threading.Timer(0.5, lambda: store.request(store.list()[0].id, "stop"))
    _, status = run(store, slow)
    assert status is Status.STOPPED  # … but a wish is heard
    assert marks[4] - marks[2] > 0.25  # two waits of a quarter of a second, less what step 3 itself took
    assert time.monotonic() - marks[-1] < 60


@pytest.mark.parametrize("pace", [-1, 1e9, float("nan")])
def test_an_impossible_pace_is_refused(store, pace):
    run_id = store.create(SPEC, CONFIG, "digits")
    with pytest.raises(RunError, match="batches per second"):
        store.set_pace(run_id, pace)


def test_notes_and_edits_are_kept_and_bounded(store):
    run_id = store.create(SPEC, CONFIG, "digits")
    store.annotate(run_id, " <b>bold</b> ")
    assert store.get(run_id).note == "<b>bold</b>"
    with pytest.raises(RunError, match="2,000"):
        store.annotate(run_id, "x" * 2001)
    store.edit(run_id, {"lr": 0.1})
    store.edit(run_id, {"l1": 0.2})
    assert store.get(run_id).settings == {**store.get(run_id).config, "lr": 0.1, "l1": 0.2}
    store.change(run_id, status="finished")
    with pytest.raises(RunError, match="cannot be changed"):
        store.edit(run_id, {"lr": 0.2})
