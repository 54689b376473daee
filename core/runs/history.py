"""The live curves of a run in bounded memory: new steps are fetched, old ones are averaged."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from core.runs.follower import News, RunFollower
from core.runs.overview import Stretch, thinned
from core.runs.records import Evidence, Metric, Run
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

    def begin(self, width: int, stretches: Mapping[int, Stretch]) -> None:
        """Start with the means of stretches of `width` measurements, by their index."""
        self.width, self._buckets = width, {}
        for index, one in stretches.items():
            self._buckets[index] = _Bucket(one.step, one.count, one.loss * one.count, one.accuracy * one.count, one.lr)

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

    A look costs the same however long the run is. A run that went on from an earlier checkpoint is read anew. Of a
    long run only some steps stay in memory, see `thinned`.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self.run_id = run_id
        self._follower = RunFollower(store.series, run_id, MAX_POINTS)
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._forget()

    def _forget(self) -> None:
        self.last: Metric | None = None
        self.best: Best | None = None
        self.train, self.valid = Curve(), Curve(MAX_EPOCHS)
        self.times = BatchTimes()
        self._steps: list[Metric] = []
        self._stride = 1
        self._evidence: dict[str, list[Evidence]] = {}
        self._state: object = None
        self._read: dict[str, object] = {}  # the state at the last look, by kind of evidence

    def update(self, run: Run | None = None, *, every: float = 0.0) -> None:
        """Read the new steps; where `run` says how far it is, only if it has gone on since the last look.

        Nothing is read either where the last look is less than `every` seconds ago.
        """
        with self._lock:
            if time.monotonic() - self._looked >= every:
                self._look(run)

    def _look(self, run: Run | None, *kinds: str) -> None:
        state = run and (run.step, run.seconds, run.status)
        old = [kind for kind in kinds if state is None or self._read.get(kind) != state]
        if state is not None and state == self._state and not old:
            return
        news = self._follower.look(old)
        if news.rewound:
            self._forget()
        self._take(news)
        self._state, self._looked = state, time.monotonic()
        self._read.update(dict.fromkeys(old, state))

    def _take(self, news: News) -> None:
        if news.overview:
            self.train.begin(news.overview.width, news.overview.stretches)
            self._stride = news.overview.stride
            for metric in news.overview.steps:
                self._time(metric)
                self._validate(metric)
        for metric in news.metrics:
            self._time(metric)
            self.train.add(metric.step - 1, metric.step, metric.train_loss, metric.train_accuracy, metric.lr)
            self._validate(metric)
        fresh = (*(news.overview.steps if news.overview else ()), *news.metrics)
        if fresh:
            self.last = fresh[-1]
            more, _ = thinned(fresh, self._stride)
            self._steps, self._stride = thinned([*self._steps, *more], self._stride)
        for item in news.evidence:
            self._evidence.setdefault(item.kind, []).append(item)

    def _time(self, metric: Metric) -> None:
        self.times.add(metric.step, metric.seconds, validated=metric.valid_loss is not None)

    def _validate(self, metric: Metric) -> None:
        if metric.valid_loss is not None and metric.valid_accuracy is not None:
            self.valid.add(metric.epoch - 1, metric.step, metric.valid_loss, metric.valid_accuracy, metric.lr)
            if self.best is None or metric.valid_loss < self.best.loss:
                self.best = Best(metric.epoch, metric.step, metric.valid_loss, metric.valid_accuracy)

    def points(self, steps_per_epoch: int) -> dict[str, tuple[Point, ...]]:
        """Return the points of "train" (means over steps) and "valid" (the whole split after an epoch)."""
        with self._lock:
            return {"train": self.train.points(steps_per_epoch), "valid": self.valid.points(steps_per_epoch)}

    def steps(self) -> tuple[Metric, ...]:
        """Return the steps that are kept one by one, in order; which ones, see `thinned`."""
        with self._lock:
            return tuple(self._steps)

    def evidence(self, *kinds: str, run: Run | None = None) -> tuple[Evidence, ...]:
        """Return all that was measured of some kinds (see `Evidence`) until now, kind by kind, by step; as `update`."""
        with self._lock:
            self._look(run, *kinds)
            return tuple(item for kind in kinds for item in self._evidence.get(kind, ()))
