"""Curves stay small and true however long a run is."""

import numpy as np
import pytest

from core.model.presets import preset
from core.runs.history import MAX_POINTS, Curve, History
from core.runs.records import Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig


def test_a_short_curve_is_kept_as_it_is():
    curve = Curve()
    for index in range(10):
        curve.add(index, index + 1, loss=float(index), accuracy=index / 10)
    points = curve.points(steps_per_epoch=5)
    assert [point.loss for point in points] == list(range(10))
    assert [point.epochs for point in points] == [step / 5 for step in range(1, 11)]


@pytest.mark.parametrize("length", [MAX_POINTS + 1, 3_000, 50_000])
def test_a_long_curve_is_thinned_to_exact_means(length):
    losses = np.random.default_rng(0).normal(size=length)
    curve = Curve()
    for index, loss in enumerate(losses):
        curve.add(index, index + 1, loss, 0.0)
    points = curve.points(1)
    assert MAX_POINTS / 2 - 1 <= len(points) <= MAX_POINTS
    width = curve.width
    means = [losses[start : start + width].mean() for start in range(0, length, width)]
    np.testing.assert_allclose([point.loss for point in points], means, rtol=1e-9, atol=1e-12)
    assert points[-1].step == length


def test_only_new_steps_are_read(home):
    store = RunStore()
    run_id = store.create(preset("lenet5", (1, 8, 8), 10), TrainConfig(), "digits")
    asked = []
    read = store.metrics
    store.metrics = lambda run, after=0: asked.append(after) or read(run, after)
    history = History(store, run_id)
    for step in (1, 2, 3):
        valid = {"valid_loss": 9.0, "valid_accuracy": 0.5} if step == 2 else {}
        store.record(run_id, [Metric(step, (step + 1) // 2, 0.1, step, float(step), 0.25, **valid)])
        history.update()
    history.update()
    assert asked == [0, 1, 2, 3]
    points = history.points(steps_per_epoch=2)
    assert [point.loss for point in points["train"]] == [1.0, 2.0, 3.0]
    assert [(point.epochs, point.loss, point.accuracy) for point in points["valid"]] == [(1.0, 9.0, 0.5)]
    store.close()
