"""The worker's side of the run store: claiming runs, recording what they do, learning what is asked of them."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update

from core.errors import RunError
from core.runs.database import Database
from core.runs.records import Event, Evidence, Metric, RunRequests, Status
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS
from core.runs.transactions import transaction, writing

_LOST = "The run was deleted or is trained elsewhere."

# The queue in the order in which its runs are claimed.
_QUEUE = select(RUNS.c.id).where(RUNS.c.status == Status.QUEUED.value).order_by(RUNS.c.queued, RUNS.c.number)


class Ledger:
    """The tables of the runs as engines and workers use them.

    A run is trained in the name of one owner. A worker that slept while its run was given to another one cannot
    do harm: what it writes in the name of its owner is refused.

    Args:
        url: SQLAlchemy URL of the database.

    Raises:
        StorageError: The database cannot be opened; so does every method when it fails.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._database = Database(url, self._settle)

    @property
    def _engine(self) -> Engine:
        return self._database.engine

    def _settle(self, engine: Engine, old: sqlite3.Connection | None, replaced: bool) -> None:
        """Bring in what a database lacks that was just opened; see `Database`. It must not use `_engine`."""

    def close(self) -> None:
        """Give the database connections back."""
        self._database.close()

    def change(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        self._change(run_id, values)

    def _change(self, run_id: str, values: Mapping[str, Any], *when: ColumnElement[bool], **expected: Any) -> int:
        """Set columns of a run if it is as expected; return how many runs that were, 0 or 1."""
        query = update(RUNS).where(RUNS.c.id == run_id, *when).values(values)
        with writing(self._engine) as connection:
            return connection.execute(query.filter_by(**expected)).rowcount

    def record(
        self,
        run_id: str,
        metrics: Iterable[Metric],
        evidence: Iterable[Evidence] = (),
        events: Iterable[Event] = (),
        *,
        by: str = "",
        wait: float | None = None,
        **values: Any,
    ) -> None:
        """Append steps, evidence and events, set columns of the run, and show life: all of it or nothing.

        Args:
            run_id: The run.
            metrics, evidence, events: What is new.
            by: The owner in whose name it is trained; by default it is not asked for.
            wait: Seconds to wait for others who write; by default `core.runs.transactions.WAIT_SECONDS`.
            **values: Columns of the run.

        Raises:
            RunError: The run was deleted or has another owner.
            BusyError: Others write for longer than `wait`; nothing was recorded.
        """
        found = [asdict(item) | {"bins": json.dumps(item.bins)} for item in evidence]
        new = {METRICS: [*map(asdict, metrics)], EVIDENCE: found, EVENTS: [*map(asdict, events)]}
        with writing(self._engine, wait) as connection:
            _take_hold(connection, run_id, by, heartbeat=time.time(), **values)
            for table, rows in new.items():
                if rows:
                    connection.execute(insert(table), [{"run_id": run_id} | row for row in rows])

    def rewind(self, run_id: str, step: int, *, by: str = "") -> None:
        """Forget what came after `step`: training goes on from a checkpoint made there; `by` as in `record`."""
        with writing(self._engine) as connection:
            _take_hold(connection, run_id, by, heartbeat=time.time())
            for table in (METRICS, EVENTS, EVIDENCE):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def note_event(self, run_id: str, event: Event) -> None:
        """Write down what people did to a run."""
        with writing(self._engine) as connection:
            connection.execute(insert(EVENTS).values(run_id=run_id, **asdict(event)))

    def wishes(self, run_id: str) -> RunRequests:
        """Return what is asked of a run; raises `RunError` if it was deleted."""
        columns = (RUNS.c.status, RUNS.c.wanted, RUNS.c.steps_wanted, RUNS.c.owner, RUNS.c.pace, RUNS.c.live)
        with transaction(self._engine) as connection:
            row = connection.execute(select(*columns).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise RunError("The run was deleted.")
        return RunRequests(Status(row.status), row.wanted, row.steps_wanted, row.owner, row.pace, json.loads(row.live))

    def stepped(self, run_id: str) -> None:
        """Take one off the single steps that are wanted."""
        self._change(run_id, {"steps_wanted": RUNS.c.steps_wanted - 1}, RUNS.c.steps_wanted > 0)

    def claim(self, owner: str, room: int) -> str | None:
        """Turn the run that has queued longest into a running one, if fewer than `room` of this owner run."""
        with transaction(self._engine) as connection:  # looking is free, writing makes others wait
            if _next(connection, owner, room) is None:
                return None
        with writing(self._engine) as connection:
            run_id = _next(connection, owner, room)
            query = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status == Status.QUEUED.value)
            values = {
                "status": Status.RUNNING.value,
                "owner": owner,
                "heartbeat": time.time(),
                "message": "",
                "failure": "",
            }
            return run_id if connection.execute(query.values(values)).rowcount else None

    def ahead(self, run_id: str) -> int:
        """Return how many runs come before a queued one: those that run, and those that will be claimed earlier."""
        running = select(func.count()).where(RUNS.c.status == Status.RUNNING.value)
        with transaction(self._engine) as connection:
            queue = connection.execute(_QUEUE).scalars().all()
            return (queue.index(run_id) if run_id in queue else 0) + connection.execute(running).scalar_one()

    def hold(self, run_id: str, owner: str) -> bool:
        """Turn a running run into a paused one; false if it is no longer wanted to pause, or another's by now."""
        values = {"status": Status.PAUSED.value, "images_per_second": 0.0}
        wanted = (RUNS.c.wanted == "pause", RUNS.c.steps_wanted <= 0)
        return bool(self._change(run_id, values, *wanted, status=Status.RUNNING.value, owner=owner))

    def leave(self, run_id: str, owner: str, status: Status, *, failure: str = "", **values: Any) -> bool:
        """Set how a training ended, with the code of its failure; false if the run is another's by now."""
        return bool(self._change(run_id, {"status": status.value, "failure": failure} | values, owner=owner))

    def put_back(self, run_id: str, owner: str) -> bool:
        """Turn a running run that has no worker into a queued one, at its old place in the queue."""
        return bool(self._change(run_id, {"status": Status.QUEUED.value}, status=Status.RUNNING.value, owner=owner))

    def interrupt(self, run_id: str, message: str, **expected: Any) -> int:
        """Mark a run as interrupted, if it is running and columns hold what is expected; return how many were."""
        values = {"status": Status.INTERRUPTED.value, "message": message}
        return self._change(run_id, values, status=Status.RUNNING.value, **expected)

    def pulses(self, owner: str) -> tuple[set[str], dict[str, float]]:
        """Show life for the running runs of `owner`; return their ids, and the heartbeats of those of others.

        Whoever gets an answer could write at this moment, and so could others have done: silence means something.
        """
        running = select(RUNS.c.id, RUNS.c.owner, RUNS.c.heartbeat).where(RUNS.c.status == Status.RUNNING.value)
        with transaction(self._engine) as connection:
            if not connection.execute(running).all():
                return set(), {}
        alive = update(RUNS).where(RUNS.c.owner == owner, RUNS.c.status == Status.RUNNING.value)
        with writing(self._engine) as connection:
            connection.execute(alive.values(heartbeat=time.time()))
            rows = connection.execute(running).all()
        own = {row.id for row in rows if row.owner == owner}
        return own, {row.id: row.heartbeat for row in rows if row.id not in own}


def _take_hold(connection: Connection, run_id: str, by: str, **values: Any) -> None:
    query = update(RUNS).where(RUNS.c.id == run_id).values(values)
    if by:
        query = query.where(RUNS.c.owner == by)
    if not connection.execute(query).rowcount:
        raise RunError(_LOST)


def _next(connection: Connection, owner: str, room: int) -> str | None:
    """Return the id of the run that `owner` may take now."""
    busy = select(func.count()).where(RUNS.c.owner == owner, RUNS.c.status == Status.RUNNING.value)
    if connection.execute(busy).scalar_one() >= room:
        return None
    return connection.execute(_QUEUE.limit(1)).scalar_one_or_none()
