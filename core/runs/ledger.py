"""The worker's side of the run store: claiming runs, recording what they do, learning what is asked of them."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, insert, select, update

from core.errors import RunError
from core.runs.records import Event, Evidence, Metric, Status, Wishes
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS, connect, transaction


class Ledger:
    """The tables of the runs as engines and workers use them.

    Args:
        url: SQLAlchemy URL of the database.

    Raises:
        StorageError: The database cannot be opened; so does every method when it fails.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: Engine = connect(url)

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()

    def change(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        with transaction(self._engine) as connection:
            connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(**values))

    def record(self, run_id: str, metrics: Iterable[Metric], evidence: Iterable[Evidence] = (), **values: Any) -> None:
        """Append steps and evidence and set columns of the run in one transaction, and show life."""
        rows = [{"run_id": run_id} | asdict(metric) for metric in metrics]
        found = [{"run_id": run_id} | asdict(item) | {"bins": json.dumps(item.bins)} for item in evidence]
        with transaction(self._engine) as connection:
            if rows:
                connection.execute(insert(METRICS), rows)
            if found:
                connection.execute(insert(EVIDENCE), found)
            connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(heartbeat=time.time(), **values))

    def rewind(self, run_id: str, step: int) -> None:
        """Forget what came after `step`: training goes on from a checkpoint made there."""
        with transaction(self._engine) as connection:
            for table in (METRICS, EVENTS, EVIDENCE):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def note_event(self, run_id: str, event: Event) -> None:
        """Write down what people did to a run."""
        with transaction(self._engine) as connection:
            connection.execute(insert(EVENTS).values(run_id=run_id, **asdict(event)))

    def wishes(self, run_id: str) -> Wishes:
        """Return what is asked of a run; raises `RunError` if it was deleted."""
        columns = (RUNS.c.status, RUNS.c.wanted, RUNS.c.steps_wanted, RUNS.c.owner, RUNS.c.pace, RUNS.c.live)
        with transaction(self._engine) as connection:
            row = connection.execute(select(*columns).where(RUNS.c.id == run_id)).one_or_none()
        if row is None:
            raise RunError("The run was deleted.")
        return Wishes(Status(row.status), row.wanted, row.steps_wanted, row.owner, row.pace, json.loads(row.live))

    def stepped(self, run_id: str) -> None:
        """Take one off the single steps that are wanted."""
        self.change(run_id, steps_wanted=RUNS.c.steps_wanted - 1)

    def claim(self, owner: str, room: int) -> str | None:
        """Turn the run that has queued longest into a running one, if fewer than `room` of this owner run."""
        with transaction(self._engine) as connection:
            busy = connection.execute(
                select(RUNS.c.id).where(RUNS.c.owner == owner, RUNS.c.status == Status.RUNNING.value)
            ).all()
            oldest = select(RUNS.c.id).where(RUNS.c.status == Status.QUEUED.value).order_by(RUNS.c.queued).limit(1)
            run_id = connection.execute(oldest).scalar_one_or_none()
            if run_id is None or len(busy) >= room:
                return None
            taken = connection.execute(
                update(RUNS)
                .where(RUNS.c.id == run_id, RUNS.c.status == Status.QUEUED.value)
                .values(status=Status.RUNNING.value, owner=owner, heartbeat=time.time(), message="")
            )
        return run_id if taken.rowcount else None

    def interrupt(self, run_id: str, message: str) -> int:
        """Mark a run as interrupted, if it is running; return how many were marked."""
        return self._interrupt(message, RUNS.c.id == run_id)

    def interrupt_silent(self, message: str, seconds: float, *, but: str = "") -> int:
        """Mark the running runs that have not shown life for so long as interrupted, but not those of one owner."""
        return self._interrupt(message, RUNS.c.heartbeat < time.time() - seconds, RUNS.c.owner != but)

    def _interrupt(self, message: str, *conditions: ColumnElement[bool]) -> int:
        query = update(RUNS).where(RUNS.c.status == Status.RUNNING.value, *conditions)
        with transaction(self._engine) as connection:
            return connection.execute(query.values(status=Status.INTERRUPTED.value, message=message)).rowcount
