"""The table of runs: every change of a row is one UPDATE, and the row is copied beside the run's weights."""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Engine, Subquery, Update, case, func, select, update

from core.errors import StorageError
from core.runs.database import Database
from core.runs.files import RunFiles
from core.runs.lifecycle import CONDITIONS, TRANSITIONS, Trigger, Value, statuses
from core.runs.lost_rows import Recovery, database_name, in_words, recover
from core.runs.manifest import write_curves, write_run
from core.runs.tables import RUNS

# The runs that have a worker, which shows life.
HAS_WORKER = RUNS.c.status.in_(statuses(Trigger.WORKER_DIED))


def _waiting() -> tuple[Subquery, tuple[ColumnElement[Any], ...]]:
    """Return the queued runs, and in which order they are claimed: fair by person, whose runs that train count."""
    training = RUNS.alias()
    trains = training.c.status.in_(statuses(Trigger.WORKER_DIED))
    have = select(func.count()).where(trains, training.c.person == RUNS.c.person).scalar_subquery()
    age = (RUNS.c.queued, RUNS.c.number)
    place = func.row_number().over(partition_by=RUNS.c.person, order_by=age)
    columns = (RUNS.c.id, *age, (have + place).label("place"))
    waiting = select(*columns).where(RUNS.c.status.in_(statuses(Trigger.CLAIMED))).subquery("waiting")
    return waiting, (waiting.c.place, waiting.c.queued, waiting.c.number)


_WAITING, _ORDER = _waiting()
QUEUE = select(_WAITING.c.id).order_by(*_ORDER)

# The first of the queue that nobody else is claiming: a server locks it until the transaction ends, SQLite has one
# writer. What is locked are rows of the table itself, as no window can be, and what others have locked is not seen.
TO_CLAIM = (
    select(RUNS.c.id)
    .join(_WAITING, _WAITING.c.id == RUNS.c.id)
    .where(RUNS.c.status.in_(statuses(Trigger.CLAIMED)))
    .order_by(*_ORDER)
    .limit(1)
    .with_for_update(of=RUNS, skip_locked=True)
)


class RunTable:
    """The table of the runs in its database, and the folder of their weights beside it.

    Args:
        url: SQLAlchemy URL of the database.
        files: The files of the runs.

    Attributes:
        database: The database; all that use it begin their transactions there.
        recovery: What it knows of the folders.
        incident: What happened to it while it was open, in one or two sentences; nothing where nothing did.

    Raises:
        StorageError: The database cannot be opened; so does every method when it fails.
    """

    def __init__(self, url: str, files: RunFiles) -> None:
        self.url, self.files, self.folder = url, files, files.folder
        self.recovery, self.incident, self._name = Recovery(0), "", ""
        self.database = Database(url, self._settle)

    def _settle(self, engine: Engine, old: sqlite3.Connection | None, replaced: bool) -> None:
        """Recover the runs that a newly opened database lacks; see `Database`."""
        with suppress(OSError):  # it may be gone with the database
            self.folder.mkdir(parents=True, exist_ok=True)
        if not self.files.remote:  # an object store holds no copies of rows
            self._name = database_name(engine, self.folder)
        self.recovery = recover(engine, self.folder, self._name, old)
        self.incident = in_words(engine, self.recovery, replaced=replaced) or self.incident

    def move(self, run_id: str, trigger: Trigger, *, expected: Mapping[str, Any] | None = None, **given: Any) -> bool:
        """Apply a trigger to a run; return whether `lifecycle` allows it in the present state, else nothing is changed.

        Args:
            run_id: The run.
            trigger: What happens.
            expected: Values that columns must have besides, for instance the owner.
            **given: Values that come with the trigger, by column.
        """
        return self._write(run_id, moving(run_id, trigger, **given).filter_by(**(expected or {})))

    def change(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        self._write(run_id, update(RUNS).where(RUNS.c.id == run_id).values(values))

    def _write(self, run_id: str, statement: Update) -> bool:
        with self.database.writing() as connection:
            changed = bool(connection.execute(statement).rowcount)
        if changed:
            self.copy(run_id)
        return changed

    def copy(self, run_id: str, *, curves: bool = False) -> None:
        """Write a copy of the run's row, and of its curves if asked for, beside its weights; see `manifest`."""
        folder = self.folder / run_id
        if not self.files.remote and folder.is_dir():
            with suppress(StorageError):  # it is but a copy
                write_run(self.database, run_id, folder, self._name)
                if curves:
                    write_curves(self.database, run_id, folder)


def moving(run_id: str | ColumnElement[str], trigger: Trigger, **given: Any) -> Update:
    """Return the UPDATE for a trigger; it matches no row where `lifecycle` forbids the transition.

    Args:
        run_id: The run.
        trigger: What happens to it; not `DELETE`, which no update can do.
        **given: Values that come with the trigger, by column: those marked `Value.GIVEN`, and further ones.
    """
    now = time.time()
    new: dict[str, dict[str, Any]] = {}  # by column, by present status
    for before, transition in TRANSITIONS[trigger].items():
        assert transition.status is not None
        values = {**transition.columns, "status": transition.status.value}
        for name, value in values.items():
            new.setdefault(name, {})[before.value] = given[name] if value is Value.GIVEN else _now(value, now)
    columns = {
        name: case(*((RUNS.c.status == before, value) for before, value in values.items()), else_=RUNS.c[name])
        for name, values in new.items()
    }
    allowed = RUNS.c.status.in_([before.value for before in TRANSITIONS[trigger]])
    statement = update(RUNS).where(RUNS.c.id == run_id, allowed).filter_by(**CONDITIONS.get(trigger, {}))
    return statement.values(given | columns)


def _now(value: Any, now: float) -> Any:
    """Return the value of a column as a literal or an SQL expression."""
    if not isinstance(value, Value):
        return value
    steps, epoch = RUNS.c.steps_wanted, case((RUNS.c.steps_per_epoch > 0, RUNS.c.steps_per_epoch), else_=1)
    return {
        Value.NOW: now,
        Value.END_OF_QUEUE: end_of_queue(now),
        Value.ONE_STEP_MORE: steps + 1,
        Value.ONE_STEP_LESS: case((steps > 0, steps - 1), else_=0),
        Value.REST_OF_EPOCH: epoch - RUNS.c.step % epoch,
    }[value]


def end_of_queue(now: float) -> ColumnElement[float]:
    """Return a queue time later than all others, even if the clock was set back."""
    last = select(func.max(RUNS.c.queued)).scalar_subquery()
    return case((last >= now, last + 0.001), else_=now)
