"""The live curves of a run in bounded memory: new steps are fetched, old ones are averaged."""

import threading
from dataclasses import dataclass

from core.runs.follower import RunFollower
from core.runs.records import Evidence, Metric
from core.runs.remaining import BatchTimes
from core.runs.store import RunStore

MAX_POINTS = 200  # as wide as a curve is drawn, more could not be told apart
MAX_EPOCHS = 100


@dataclass(frozen=True)
class Point:
    """The mean of neighbouring steps, at the position of the last of them: its step, and that in epochs.

    `lr` is the learning rate of the last one.
    """

    step: int
    epochs: float
    loss: float
    accuracy: float
    lr: float = 0.0


@dataclass(frozen=True)
class Best:
    """The epoch of lowest validation loss, with the loss and the accuracy measured after it."""

    epoch: int
    step: int
    loss: float
    accuracy: float


@dataclass
class _Bucket:
    step: int = 0
    count: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    lr: float = 0.0

    def add(self, step: int, count: int, loss: float, accuracy: float, lr: float) -> None:
        if step > self.step:
            self.step, self.lr = step, lr
        self.count += count
        self.loss += loss
        self.accuracy += accuracy


class Curve:
    """The curve of one split; above `limit` points, neighbours are merged into their mean."""

    def __init__(self, limit: int = MAX_POINTS) -> None:
        self.limit, self.width = limit, 1
        self._buckets: dict[int, _Bucket] = {}

    def add(self, index: int, step: int, loss: float, accuracy: float, lr: float = 0.0) -> None:
        """Add the measurement of that index (counted from 0), made at `step`."""
        self._buckets.setdefault(index // self.width, _Bucket()).add(step, 1, loss, accuracy, lr)
        if len(self._buckets) > self.limit:
            self._merge()

    def _merge(self) -> None:
        self.width *= 2
        merged: dict[int, _Bucket] = {}
        for index, bucket in self._buckets.items():
            target = merged.setdefault(index // 2, _Bucket())
            target.add(bucket.step, bucket.count, bucket.loss, bucket.accuracy, bucket.lr)
        self._buckets = merged

    def points(self, steps_per_epoch: int) -> tuple[Point, ...]:
        """Return at most `limit` points, in order."""
        scale = max(1, steps_per_epoch)
        return tuple(
            Point(
                bucket.step,
                bucket.step / scale,
                bucket.loss / bucket.count,
                bucket.accuracy / bucket.count,
                bucket.lr,
            )
            for _, bucket in sorted(self._buckets.items())
        )


class History:
    """Curves and internal measurements of one run, shared by all sessions that show it.

    A look costs the same however long the run is. A run that went on from an earlier checkpoint is read anew.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self.run_id = run_id
        self._follower = RunFollower(store.series, run_id)
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.last: Metric | None = None
        self.best: Best | None = None
        self.train, self.valid = Curve(), Curve(MAX_EPOCHS)
        self.times = BatchTimes()
        self._evidence: dict[str, list[Evidence]] = {}

    def update(self) -> None:
        """Read the new steps."""
        with self._lock:
            self._look()

    def _look(self, *kinds: str) -> None:
        news = self._follower.look(kinds)
        if news.rewound:
            self._forget()
        for metric in news.metrics:
            self._add(metric)
        for item in news.evidence:
            self._evidence.setdefault(item.kind, []).append(item)

    def _add(self, metric: Metric) -> None:
        self.times.add(metric.step, metric.seconds, validated=metric.valid_loss is not None)
        self.train.add(metric.step - 1, metric.step, metric.train_loss, metric.train_accuracy, metric.lr)
        if metric.valid_loss is not None and metric.valid_accuracy is not None:
            self.valid.add(metric.epoch - 1, metric.step, metric.valid_loss, metric.valid_accuracy, metric.lr)
            if self.best is None or metric.valid_loss < self.best.loss:
                self.best = Best(metric.epoch, metric.step, metric.valid_loss, metric.valid_accuracy)
        self.last = metric

    def points(self, steps_per_epoch: int) -> dict[str, tuple[Point, ...]]:
        """Return the points of "train" (means over steps) and "valid" (the whole split after an epoch)."""
        with self._lock:
            return {"train": self.train.points(steps_per_epoch), "valid": self.valid.points(steps_per_epoch)}

    def evidence(self, kind: str) -> tuple[Evidence, ...]:
        """Return all that was measured of one kind (see `Evidence`) until now, by step."""
        with self._lock:
            self._look(kind)
            return tuple(self._evidence.get(kind, ()))
