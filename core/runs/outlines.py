"""The course of many runs at a glance: one query for all of them, and none for what is known already."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, literal, select

from core.runs.records import Outline, Run
from core.runs.store import RunStore
from core.runs.tables import METRICS, RUNS, transaction

POINTS = 30
SAMPLE = 4  # steps of each stretch that are read: a table of hundreds of runs must not read every step of each
AT_ONCE = 400  # runs of one query; databases bound how many values a query may name
KEPT = 1000

_Key = tuple[int, str]


def outlines(store: RunStore, runs: Iterable[Run]) -> dict[str, Outline]:
    """Return the outlines of runs by their id.

    The training loss is the mean over the first `SAMPLE` steps of each of `POINTS` equal stretches, which costs the
    same however long the runs are; runs of fewer steps are read whole.
    """
    ids = [run.id for run in runs]
    found: dict[str, Outline] = {}
    with transaction(store._engine) as connection:
        for start in range(0, len(ids), AT_ONCE):
            found |= _read(connection, ids[start : start + AT_ONCE])
    return found


def _read(connection: Connection, ids: Sequence[str]) -> dict[str, Outline]:
    losses: dict[str, list[float]] = {run_id: [] for run_id in ids}
    for run_id, loss in connection.execute(_sampled(ids)):
        losses[run_id].append(loss)
    best = (
        select(METRICS.c.run_id, func.max(METRICS.c.valid_accuracy))
        .where(METRICS.c.run_id.in_(ids), METRICS.c.valid_accuracy.is_not(None))
        .group_by(METRICS.c.run_id)
    )
    highest = {row[0]: float(row[1]) for row in connection.execute(best)}
    return {run_id: Outline(tuple(losses[run_id]), highest.get(run_id)) for run_id in ids}


def _sampled(ids: Sequence[str]) -> Any:
    """Return the query for (run, mean loss) of every stretch, in order."""
    numbers = select(literal(0).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < POINTS - 1))
    width = (RUNS.c.step + (POINTS - 1)) // POINTS
    first = numbers.c.number * width + 1
    within = METRICS.c.step.between(first, first + (SAMPLE - 1))
    return (
        select(RUNS.c.id, func.avg(METRICS.c.train_loss))
        .select_from(RUNS)
        .join(numbers, first <= RUNS.c.step)
        .join(METRICS, and_(METRICS.c.run_id == RUNS.c.id, within, METRICS.c.step < first + width))
        .where(RUNS.c.id.in_(ids))
        .group_by(RUNS.c.id, numbers.c.number)
        .order_by(RUNS.c.id, numbers.c.number)
    )


class Outlines:
    """The outlines of all runs, shared by all who look: each is read again only once its run has moved on."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self._known: dict[str, tuple[_Key, Outline]] = {}
        self._lock = threading.Lock()

    def of(self, runs: Sequence[Run]) -> Mapping[str, Outline]:
        """Return the outlines of runs by their id."""
        with self._lock:
            stale = [run for run in runs if self._known.get(run.id, ((-1, ""),))[0] != _key(run)]
            if stale:
                fresh = outlines(self.store, stale)
                self._known |= {run.id: (_key(run), fresh[run.id]) for run in stale}
            found = {run.id: self._known[run.id][1] for run in runs}
            while len(self._known) > max(KEPT, len(runs)):
                del self._known[next(iter(self._known))]
            return found


def _key(run: Run) -> _Key:
    return run.step, run.status.value
