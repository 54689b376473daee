"""A training ends early exactly when it should, and says why."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.early_stopping import Budgets
from core.train.loop import Training
from core.train.metrics import Score
from core.train.runner import Runner

CONFIG = TrainConfig(epochs=9, batch_size=32, precision="fp32", device="cpu", train_images=96)
SPEC = ModelSpec("linear", (1, 8, 8), 10, (Flatten(), Dense(10)))


@pytest.mark.parametrize(
    ("losses", "ends_after"),
    [([3, 2, 1, 0.5], None), ([3, 2, 2.5, 2.1], 4), ([3, 2, 2.5, 1.9, 2, 2], 6), ([1, 2, 3], 3)],
)
def test_early_stopping_waits_for_its_patience(losses, ends_after):
    budgets, config = Budgets(), replace(CONFIG, patience=2)
    verdicts = [budgets.verdict(config, epoch, 0.0, Score(loss, 0.5)) for epoch, loss in enumerate(losses, start=1)]
    assert [bool(verdict) for verdict in verdicts] == [epoch == ends_after for epoch in range(1, len(losses) + 1)]
    if ends_after:
        assert f"epoch {ends_after - 2}." in verdicts[-1]


def test_what_was_best_survives_a_restart():
    config = replace(CONFIG, patience=2)
    first, second = Budgets(), Budgets()
    for epoch, loss in ((1, 0.5), (2, 0.6)):
        assert not first.verdict(config, epoch, 0.0, Score(loss, 0.5))
    second.restore(first.to_meta())
    assert "since epoch 1" in second.verdict(config, 3, 0.0, Score(0.55, 0.5))
    second.restore({})
    assert (second.best_loss, second.best_epoch) == (math.inf, 0)


def test_a_training_that_is_good_enough_ends_at_that_epoch():
    torch.set_num_threads(1)
    config = replace(CONFIG, lr=0.01, target_accuracy=0.6)
    training = Training(build_model(SPEC), load_dataset("digits", limit=96), config)
    scores = [step.valid.accuracy for step in training if step.valid]
    assert scores[-1] >= 0.6 > max(scores[:-1])
    assert len(scores) < config.epochs
    assert training.ended.startswith("It reached the target")


def test_an_early_end_is_recorded_as_a_finish_with_its_reason(home):
    store = RunStore()
    run_id = store.create(SPEC, replace(CONFIG, lr=0.01, target_accuracy=0.3), "digits", owner="tests")
    assert Runner(store, run_id, "tests").run() is Status.FINISHED
    run = store.get(run_id)
    assert run.message.startswith("It reached the target")
    assert run.step == run.epoch * run.steps_per_epoch < run.total_steps
    assert run.test_accuracy is not None


def test_the_time_budget_counts_training_time_alone():
    training = Training(build_model(SPEC), load_dataset("digits", limit=96), replace(CONFIG, max_seconds=100.0))
    list(islice(training, 2))
    assert not training.ended
    training.seconds = 100.0  # as if these two steps had taken so long
    assert len(list(training)) == 1
    assert "100 seconds" in training.ended
