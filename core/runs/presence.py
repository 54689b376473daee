"""Which workers there are on any machine: each says so every few seconds, by the clock of the database."""

import socket
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, delete, func, insert, select, update

from core.runs.database import Database
from core.runs.run_table import HAS_WORKER
from core.runs.tables import RUNS, WORKERS

PRESENT_SECONDS = 12.0  # after which somebody who says nothing is gone
FORGOTTEN_SECONDS = 3600.0


@dataclass(frozen=True)
class Worker:
    """Somebody who trains runs of the store.

    Attributes:
        owner: In whose name.
        machine: The name of its machine.
        slots: How many runs it trains at the same moment.
        room: How many runs have turns at most.
        runs: How many it has.
    """

    owner: str
    machine: str
    slots: int
    room: int
    runs: int


class Presence:
    """The workers of a store; every method raises `StorageError` if the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def show(self, owner: str, slots: int, room: int) -> None:
        """Say that `owner` is there and trains runs."""
        with self._database.writing() as connection:
            now = _now(connection.dialect)
            if not connection.execute(update(WORKERS).where(WORKERS.c.owner == owner).values(seen=now)).rowcount:
                values = {"owner": owner, "machine": socket.gethostname(), "slots": slots, "room": room}
                connection.execute(insert(WORKERS).values(**values, seen=now))
                connection.execute(delete(WORKERS).where(WORKERS.c.seen < now - FORGOTTEN_SECONDS))

    def leave(self, owner: str) -> None:
        """Say that `owner` trains no more."""
        with self._database.writing() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.owner == owner))

    def workers(self) -> tuple[Worker, ...]:
        """Return who is there, those with the fewest runs for their slots first."""
        with self._database.reading() as connection:
            found = tuple(Worker(*row) for row in connection.execute(_present(connection)))
        return tuple(sorted(found, key=lambda worker: worker.runs / worker.slots))


def _present(connection: Connection) -> Any:
    runs = select(func.count()).where(RUNS.c.owner == WORKERS.c.owner, HAS_WORKER).scalar_subquery()
    columns = (WORKERS.c.owner, WORKERS.c.machine, WORKERS.c.slots, WORKERS.c.room, runs)
    return select(*columns).where(WORKERS.c.seen > _now(connection.dialect) - PRESENT_SECONDS).order_by(WORKERS.c.owner)


def _now(dialect: Dialect) -> ColumnElement[float]:
    """Return the seconds since 1970 by the clock of the database, which is one for all machines."""
    if dialect.name == "sqlite":
        return (func.julianday("now") - 2440587.5) * 86400.0
    return func.date_part("epoch", func.clock_timestamp())
