"""The worker's side of the run store: claiming runs, recording steps, reading requests, reporting the end."""

import json
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, delete, func, insert, select, update

from core.errors import RunError
from core.runs import postgres
from core.runs.lifecycle import Trigger
from core.runs.ownership import returns
from core.runs.records import Event, Evidence, Metric, RunRequests, Status
from core.runs.run_table import HAS_WORKER, QUEUE, TO_CLAIM, RunTable, moving
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS
from core.runs.uploads import TROUBLE

_REQUESTS = tuple(
    RUNS.c[name] for name in ("id", "status", "wanted", "steps_wanted", "owner", "pace", "live", "person")
)
_LEASE = tuple(RUNS.c[name] for name in ("owner", "step", "lapses", "lapsed_at"))
LAPSES = 3  # of workers that fell silent one after another without getting a run any further
_LAPSED_OFTEN = (
    f"{LAPSES} workers in a row fell silent before this run got any further: so that others can go on, it waits until "
    "you press Resume. A smaller batch size or network needs less memory."
)
_LOST = "The run was deleted or is trained elsewhere."


class WorkerStore:
    """Runs as workers and engines use them; every method raises `StorageError` if the database fails.

    A run is trained in the name of one owner. A worker that slept while its run was given to another one cannot
    do harm: what it writes in the name of its owner is refused.
    """

    def __init__(self, table: RunTable) -> None:
        self._table = table
        self._database = table.database

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
        measured = [asdict(item) | {"bins": json.dumps(item.bins)} for item in evidence]
        new = {METRICS: [*map(asdict, metrics)], EVIDENCE: measured, EVENTS: [*map(asdict, events)]}
        with self._database.writing(wait) as connection:
            _show_life(connection, run_id, by, **values)
            for table, rows in new.items():
                if rows:
                    _append(connection, table, [{"run_id": run_id} | row for row in rows])

    def beat(self, run_ids: Collection[str], owner: str) -> None:
        """Show that these runs live, those of them that are still trained in the name of `owner`."""
        with self._database.writing() as connection:
            connection.execute(_alive(RUNS.c.id.in_(run_ids), RUNS.c.owner == owner))

    def rewind(self, run_id: str, step: int, *, by: str = "") -> None:
        """Forget what came after `step`: training goes on from a checkpoint made there; `by` as in `record`."""
        with self._database.writing() as connection:
            _show_life(connection, run_id, by)
            for table in (METRICS, EVENTS, EVIDENCE):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def has(self, run_id: str, owner: str) -> bool:
        """Return whether a run is there and was trained by nobody else since `owner` did."""
        requests = self.requests_of((run_id,)).get(run_id)
        return requests is not None and requests.owner == owner

    def note_files(self, run_id: str, sentence: str) -> None:
        """Say beside a run that files of it are not where others can read them, or with "" that they are again."""
        words: Any = RUNS.c.message
        for former in TROUBLE.values():
            words = func.replace(words, former, "")
        words = func.trim(func.trim(words).op("||")(f" {sentence}"))
        with self._database.writing() as connection:
            connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(message=words))

    def requests(self, run_id: str) -> RunRequests:
        """Return what is asked of a run; raises `RunError` if it was deleted."""
        requests = self.requests_of((run_id,))
        if run_id not in requests:
            raise RunError("The run was deleted.")
        return requests[run_id]

    def requests_of(self, run_ids: Collection[str]) -> dict[str, RunRequests]:
        """Return what is asked of several runs, by id, in one read; those that were deleted are left out."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*_REQUESTS).where(RUNS.c.id.in_(run_ids))).all()
        return {
            row.id: RunRequests(
                Status(row.status), row.wanted, row.steps_wanted, row.owner, row.pace, json.loads(row.live), row.person
            )
            for row in rows
        }

    def first(self) -> str | None:
        """Return the id of the run that is claimed next, or None where the queue is empty."""
        with self._database.reading() as connection:
            return connection.execute(QUEUE.limit(1)).scalar_one_or_none()

    def claim(self, owner: str, room: int, run_id: str | None = None) -> str | None:
        """Take the run that has queued longest, if fewer than `room` of this owner run: `CLAIMED`.

        Args:
            owner: Who takes it.
            room: How many of its runs may run.
            run_id: Take nothing else, whatever has become the first of the queue meanwhile.
        """
        with self._database.reading() as connection:  # looking is free, writing makes others wait
            if _next(connection, QUEUE.limit(1), owner, room) is None:
                return None
        with self._database.writing() as connection:
            first = _next(connection, TO_CLAIM, owner, room)
            if first is None or run_id not in (None, first):
                return None
            if not connection.execute(moving(first, Trigger.CLAIMED, owner=owner)).rowcount:
                return None
        self._table.copy(first)
        return first

    def step(self, run_id: str, owner: str) -> bool:
        """Take one off the single steps that are asked for: `STEPPED`; false if the run is another's by now."""
        return self._table.move(run_id, Trigger.STEPPED, expected={"owner": owner})

    def hold(self, run_id: str, owner: str) -> bool:
        """Pause a run: `HELD`; false if that is no longer asked for, or it is another's by now."""
        return self._table.move(run_id, Trigger.HELD, expected={"owner": owner})

    def record_end(
        self, run_id: str, owner: str, status: Status, *, message: str = "", failure: str = "", **values: Any
    ) -> bool:
        """Set how a training ended; false, and nothing is set, if the run is another's or over by now.

        Args:
            run_id: The run.
            owner: In whose name it was trained.
            status: Finished, stopped, failed or interrupted.
            message: Why, in one sentence; empty where there is nothing to say.
            failure: The code of `Run.failure`.
            **values: Further columns of the run.
        """
        end = Trigger(status.value)
        return self._table.move(run_id, end, expected={"owner": owner}, message=message, failure=failure, **values)

    def give_back(self, run_id: str, owner: str) -> bool:
        """Queue a running run that has no worker at its old place: `GIVEN_BACK`."""
        return self._table.move(run_id, Trigger.GIVEN_BACK, expected={"owner": owner})

    def worker_died(self, run_id: str, message: str, **expected: Any) -> bool:
        """Interrupt a running run whose worker is gone: `WORKER_DIED`.

        Args:
            run_id: The run.
            message: What happened, and what to do.
            **expected: What columns must hold, for instance `owner`, or the `heartbeat` that stands still.
        """
        return self._table.move(run_id, Trigger.WORKER_DIED, expected=expected, message=message)

    def lapse(self, run_id: str, heartbeat: float, message: str) -> bool:
        """End the lease of a run whose heartbeat stands still: `GIVEN_BACK` or `WORKER_DIED`, as its owner's runs are.

        A run that gets no further in several workers one after another, and may be what ends them, is interrupted.

        Args:
            run_id: The run.
            heartbeat: Where it stands still; nothing is changed where it does not.
            message: What happened, and what to do, where people have to do it.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(*_LEASE).where(RUNS.c.id == run_id)).one_or_none()
        if row is None or not returns(row.owner):
            return self.worker_died(run_id, message, heartbeat=heartbeat)
        lapses = row.lapses + 1 if row.step <= row.lapsed_at else 1
        if lapses >= LAPSES:
            return self.worker_died(run_id, _LAPSED_OFTEN, heartbeat=heartbeat)
        expected = {"heartbeat": heartbeat}
        given = {"lapses": lapses, "lapsed_at": row.step}
        return self._table.move(run_id, Trigger.GIVEN_BACK, expected=expected, **given)

    def heartbeats(self, owner: str) -> tuple[set[str], dict[str, float]]:
        """Renew the heartbeats of the runs that `owner` trains; return their ids, and the heartbeats of all others.

        Whoever gets an answer could write at this moment, and so could others have done: silence means something.
        """
        running = select(RUNS.c.id, RUNS.c.owner, RUNS.c.heartbeat).where(HAS_WORKER)
        with self._database.reading() as connection:
            if not connection.execute(running).all():
                return set(), {}
        with self._database.writing() as connection:
            connection.execute(_alive(RUNS.c.owner == owner, HAS_WORKER))
            rows = connection.execute(running).all()
        own = {row.id for row in rows if row.owner == owner}
        return own, {row.id: row.heartbeat for row in rows if row.id not in own}


def _append(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; on a server those that are there already are left out.

    Whoever loses the connection in a commit cannot know whether it was done, and writes the same once more.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), rows)
        return
    if table is EVENTS:  # they have no key of their own
        columns = [EVENTS.c[name] for name in rows[0]]
        steps = {row["step"] for row in rows}
        there = select(*columns).where(EVENTS.c.run_id == rows[0]["run_id"], EVENTS.c.step.in_(steps))
        known = [dict(row) for row in connection.execute(there).mappings()]
        rows = [row for row in rows if row not in known]
    if rows:
        connection.execute(postgres.insert_missing(table), rows)


def _alive(*which: ColumnElement[bool]) -> Update:
    """Return the UPDATE of the heartbeats of some runs; it locks them in one order, so that no two block each other."""
    rows = select(RUNS.c.id).where(*which).order_by(RUNS.c.id).with_for_update()
    return update(RUNS).where(RUNS.c.id.in_(rows)).values(heartbeat=time.time())


def _show_life(connection: Connection, run_id: str, by: str, **values: Any) -> None:
    """Set columns of a run and its heartbeat; raises `RunError` where it was deleted or has another owner than `by`."""
    query = update(RUNS).where(RUNS.c.id == run_id).values(values | {"heartbeat": time.time()})
    if by:
        query = query.where(RUNS.c.owner == by)
    if not connection.execute(query).rowcount:
        raise RunError(_LOST)


def _next(connection: Connection, first: Select[Any], owner: str, room: int) -> str | None:
    """Return the id of the run that `owner` may take now, by a query of the first of the queue."""
    busy = select(func.count()).select_from(RUNS).where(RUNS.c.owner == owner, HAS_WORKER)
    if connection.execute(busy).scalar_one() >= room:
        return None
    return connection.execute(first).scalar_one_or_none()
