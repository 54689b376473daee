"""A small training, and what is true of it however often it was interrupted."""

import time
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.loop import train

ROOT = Path(__file__).parents[2]
SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
WIDE = ModelSpec("wide", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(512), Dense(10)))


def config(epochs: int) -> TrainConfig:
    """Return settings of ten steps an epoch."""
    return TrainConfig(epochs=epochs, batch_size=32, train_images=320, precision="fp32", device="cpu", seed=1)


LONG = config(1000)


def until(check: Callable, seconds: float = 150.0):
    """Wait for something true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def losses(store: RunStore, run_id: str) -> list[float]:
    """Return the recorded losses; no step may be missing or be there twice."""
    metrics = store.metrics(run_id)
    assert [metric.step for metric in metrics] == list(range(1, len(metrics) + 1))
    return [metric.train_loss for metric in metrics]


@cache
def expected_losses(settings: TrainConfig, count: int | None = None, spec: ModelSpec = SPEC) -> list[float]:
    """Return the losses of a training that nothing disturbs, or the first of them."""
    dataset = load_dataset("digits", limit=settings.train_images)
    steps = train(build_model(spec, seed=settings.seed), dataset, settings)
    return [step.train_loss for step in islice(steps, count)]
