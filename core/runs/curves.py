"""Downsampled learning curves of whole runs, for overlays and for the table of runs."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from core.runs.overview import numbers, with_steps
from core.runs.records import Outline, Run
from core.runs.store import RunStore
from core.runs.tables import METRICS, RUNS

MAX_POINTS = 150
MAX_EPOCHS = 100


@dataclass(frozen=True)
class Spot:
    """The mean of neighbouring measurements, at the position of the last of them.

    Attributes:
        epochs: Passes over the training images.
        seconds: Time spent training, pauses left out.
        loss, accuracy: The means.
    """

    epochs: float
    seconds: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class RunCurve:
    """The curves of a run: training loss averaged over equal stretches of steps, validation after epochs."""

    train: tuple[Spot, ...]
    valid: tuple[Spot, ...]


def course(store: RunStore, run: Run) -> RunCurve:
    """Return the curves of a run up to its present step, of at most `MAX_POINTS` and `MAX_EPOCHS` points."""
    of_run = (METRICS.c.run_id == run.id, METRICS.c.step <= run.step)
    stretch = (METRICS.c.step - 1) // max(1, -(-run.step // MAX_POINTS))
    epochs = (METRICS.c.epoch - 1) // max(1, -(-run.epoch // MAX_EPOCHS))
    train = _means(stretch, METRICS.c.train_loss, METRICS.c.train_accuracy).where(*of_run)
    valid = _means(epochs, METRICS.c.valid_loss, METRICS.c.valid_accuracy).where(
        *of_run, METRICS.c.valid_loss.is_not(None), METRICS.c.valid_accuracy.is_not(None)
    )
    with store.database.reading() as connection:
        return RunCurve(_spots(connection, train, run), _spots(connection, valid, run))


def _means(group: Any, loss: Any, accuracy: Any) -> Select[Any]:
    group = group.label("stretch")
    values = (func.max(METRICS.c.step), func.max(METRICS.c.seconds), func.avg(loss), func.avg(accuracy))
    return select(*values, group).group_by(group).order_by(group)


def _spots(connection: Connection, query: Select[Any], run: Run) -> tuple[Spot, ...]:
    scale = max(1, run.steps_per_epoch)
    return tuple(Spot(step / scale, *values) for step, *values, _ in connection.execute(query))


POINTS = 30
SAMPLE = 4  # steps of each stretch that are read: a table of hundreds of runs must not read every step of each
AT_ONCE = 400  # runs of one query; databases bound how many values a query may name
CACHED = 1000

_Key = tuple[int, str]


def outlines(store: RunStore, runs: Iterable[Run]) -> dict[str, Outline]:
    """Return the outlines of runs by their id.

    The training loss is the mean over the first `SAMPLE` steps of each of `POINTS` equal stretches, which costs the
    same however long the runs are; runs of fewer steps are read whole.
    """
    ids = [run.id for run in runs]
    by_run: dict[str, Outline] = {}
    with store.database.reading() as connection:
        for start in range(0, len(ids), AT_ONCE):
            by_run |= _read(connection, ids[start : start + AT_ONCE])
    return by_run


def _read(connection: Connection, ids: Sequence[str]) -> dict[str, Outline]:
    losses: dict[str, list[float]] = {run_id: [] for run_id in ids}
    for run_id, loss in connection.execute(_sampled(connection, ids)):
        losses[run_id].append(loss)
    best = (
        select(METRICS.c.run_id, func.max(METRICS.c.valid_accuracy))
        .where(METRICS.c.run_id.in_(ids), METRICS.c.valid_accuracy.is_not(None))
        .group_by(METRICS.c.run_id)
    )
    highest = {row[0]: float(row[1]) for row in connection.execute(best)}
    return {run_id: Outline(tuple(losses[run_id]), highest.get(run_id)) for run_id in ids}


def _sampled(connection: Connection, ids: Sequence[str]) -> Any:
    """Return the query of (run id, mean loss) for every stretch, in order."""
    places = numbers(POINTS)
    width = (RUNS.c.step + (POINTS - 1)) // POINTS
    first = places.c.number * width + 1
    rows = RUNS.join(places, first <= RUNS.c.step)
    joined, metrics = with_steps(connection, rows, RUNS.c.id, first, first + (SAMPLE - 1))
    return (
        select(RUNS.c.id, func.avg(metrics.train_loss))
        .select_from(joined)
        .where(RUNS.c.id.in_(ids), metrics.step < first + width)
        .group_by(RUNS.c.id, places.c.number)
        .order_by(RUNS.c.id, places.c.number)
    )


class Outlines:
    """A cache of outlines, shared by all sessions: each is read again only when its run has new steps."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self._cache: dict[str, tuple[_Key, Outline]] = {}
        self._lock = threading.Lock()

    def of(self, runs: Sequence[Run]) -> Mapping[str, Outline]:
        """Return the outlines of runs by their id."""
        with self._lock:
            stale = [run for run in runs if self._cache.get(run.id, ((-1, ""),))[0] != _key(run)]
            if stale:
                fresh = outlines(self.store, stale)
                self._cache |= {run.id: (_key(run), fresh[run.id]) for run in stale}
            current = {run.id: self._cache[run.id][1] for run in runs}
            while len(self._cache) > max(CACHED, len(runs)):
                del self._cache[next(iter(self._cache))]
            return current


def _key(run: Run) -> _Key:
    return run.step, run.status.value
