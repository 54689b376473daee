"""An outline is short and true however long the run is."""

import math

import numpy as np
import pytest

from core.model.presets import preset
from core.runs.records import Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig


@pytest.mark.parametrize("length", [1, 39, 40, 41, 1000])
def test_it_holds_the_means_of_equal_stretches_and_the_best_epoch(length):
    losses = np.random.default_rng(0).uniform(size=length)
    store = RunStore()
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")
    accuracies = {0: 0.25, 7: 0.75, 30: 0.5}  # after which steps an epoch is over
    metrics = [Metric(i + 1, 1, 0.1, i, loss, 0.5, loss, accuracies.get(i)) for i, loss in enumerate(losses.tolist())]
    store.record(run_id, metrics, step=length)
    outline = store.outline(store.get(run_id))
    width = math.ceil(length / 40)
    np.testing.assert_allclose(
        outline.train_loss, [losses[start : start + width].mean() for start in range(0, length, width)]
    )
    assert len(outline.train_loss) <= 40
    assert outline.best_valid_accuracy == (0.25 if length == 1 else 0.75)
    store.close()


def test_before_the_first_step_there_is_nothing():
    store = RunStore()
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")
    outline = store.outline(store.get(run_id))
    assert (outline.train_loss, outline.best_valid_accuracy) == ((), None)
    store.close()
