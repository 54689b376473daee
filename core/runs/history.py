"""A run's curves in bounded memory: what is new is fetched, what is old is thinned."""

import threading
from dataclasses import dataclass

from core.runs.records import Metric
from core.runs.store import RunStore

MAX_POINTS = 200  # as wide as a curve is drawn, more could not be told apart
MAX_EPOCHS = 100


@dataclass(frozen=True)
class Point:
    """Means over some neighbouring steps; `epochs` is where they lie, in passes over the training images."""

    step: int
    epochs: float
    loss: float
    accuracy: float


@dataclass
class _Bucket:
    step: int = 0
    count: int = 0
    loss: float = 0.0
    accuracy: float = 0.0

    def add(self, step: int, count: int, loss: float, accuracy: float) -> None:
        self.step = max(self.step, step)
        self.count += count
        self.loss += loss
        self.accuracy += accuracy


class Curve:
    """Points of one split; whenever there are too many, neighbours are merged into their mean."""

    def __init__(self, limit: int = MAX_POINTS) -> None:
        self.limit, self.width = limit, 1
        self._buckets: dict[int, _Bucket] = {}

    def add(self, index: int, step: int, loss: float, accuracy: float) -> None:
        """Add the measurement of that index (counted from 0), made at `step`."""
        self._buckets.setdefault(index // self.width, _Bucket()).add(step, 1, loss, accuracy)
        if len(self._buckets) > self.limit:
            self._merge()

    def _merge(self) -> None:
        self.width *= 2
        merged: dict[int, _Bucket] = {}
        for index, bucket in self._buckets.items():
            target = merged.setdefault(index // 2, _Bucket())
            target.add(bucket.step, bucket.count, bucket.loss, bucket.accuracy)
        self._buckets = merged

    def points(self, steps_per_epoch: int) -> tuple[Point, ...]:
        """Return at most `limit` points, in order."""
        scale = max(1, steps_per_epoch)
        return tuple(
            Point(bucket.step, bucket.step / scale, bucket.loss / bucket.count, bucket.accuracy / bucket.count)
            for _, bucket in sorted(self._buckets.items())
        )


class History:
    """The curves of one run, shared by all who look at it.

    Each `update` reads only the steps that were recorded since the one before; a tick costs the same however
    long the run is.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self.store, self.run_id = store, run_id
        self.last_step = 0
        self.train, self.valid = Curve(), Curve(MAX_EPOCHS)
        self._lock = threading.Lock()

    def update(self) -> None:
        """Take in what is new."""
        with self._lock:
            for metric in self.store.metrics(self.run_id, self.last_step):
                self._take(metric)

    def _take(self, metric: Metric) -> None:
        self.train.add(metric.step - 1, metric.step, metric.train_loss, metric.train_accuracy)
        if metric.valid_loss is not None and metric.valid_accuracy is not None:
            self.valid.add(metric.epoch - 1, metric.step, metric.valid_loss, metric.valid_accuracy)
        self.last_step = metric.step

    def points(self, steps_per_epoch: int) -> dict[str, tuple[Point, ...]]:
        """Return the points of "train" (means over steps) and "valid" (the whole split after an epoch)."""
        with self._lock:
            return {"train": self.train.points(steps_per_epoch), "valid": self.valid.points(steps_per_epoch)}
