"""Transactions for concurrent processes, and database errors as sentences."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError

from core.errors import StorageError
from core.runs import postgres

WAIT_SECONDS = 10.0  # for others who write at this moment


class BusyError(StorageError):
    """The database cannot be used at this moment, because others hold it; what was to be written can be tried again."""


def prepare(engine: Engine) -> None:
    """Let readers and writers work at the same time, and transactions begin as `_begin` says."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", tune)
    event.listen(engine, "begin", _begin)


def tune(connection: Any, _record: Any = None) -> None:
    """Prepare a connection of the sqlite3 driver."""
    connection.isolation_level = None  # transactions begin where `_begin` says, not at the first write
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000:.0f}")
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes holds SQLite's lock from the start, so that nothing it has read grows old.

    Source: https://docs.sqlalchemy.org/en/20/dialects/sqlite.html (transactions with the sqlite3 driver).
    """
    options = connection.get_execution_options()
    if connection.dialect.name != "sqlite":
        postgres.begin(connection, options)
        return
    wait = options.get("wait", WAIT_SECONDS)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={wait * 1000:.0f}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")


@contextmanager
def failures_in_words(engine: Engine) -> Iterator[None]:
    """Raise database errors as `StorageError` or `BusyError` with one sentence."""
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        if isinstance(error, DBAPIError) and engine.dialect.name == "postgresql":
            kind = BusyError if postgres.passes(error) else StorageError
            raise kind(postgres.in_words(error, engine.url)) from error
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        if _passes(error):
            raise BusyError(
                f"The run database is busy or does not answer ({cause}): "
                "close other programs that use it, then try again."
            ) from error
        raise StorageError(_in_words(_code(error), cause, engine)) from error


def _in_words(code: int, cause: str, engine: Engine) -> str:
    """Return the sentence for an error code: cause and remedy."""
    name = engine.url.database or "the database"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            f"The run database is damaged: move {name} elsewhere, with the files beside it whose names go on with -wal "
            "and -shm. A new one is made then, with all trainings whose folders are there."
        )
    if code == sqlite3.SQLITE_FULL:
        return f"The run database cannot be written ({cause}): make room on the disk of {name}, then try again."
    if code == sqlite3.SQLITE_READONLY:
        return f"The run database may only be read ({cause}): allow writing to {name} and its folder, then try again."
    if code == sqlite3.SQLITE_CANTOPEN:
        return f"The run database cannot be opened ({cause}): check that you may read and write {name}, then try again."
    if "no such table" in cause:
        return f"The run database lost its tables ({cause}): try again, and they are made anew."
    if "NOT NULL" in cause:
        return f"The run database was made by a newer version of ConvScope ({cause}): update this one, then try again."
    return (
        f"The run database cannot be used ({cause}): check that its disk has room and may be written, then try again."
    )


def _passes(error: SQLAlchemyError) -> bool:
    """Say whether an error is transient: a lock, or no connection was free for a long time."""
    if not isinstance(error, DBAPIError):
        return True
    return error.connection_invalidated or _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: SQLAlchemyError) -> int:
    return int(getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run a block as one transaction that reads one state of the database; raises `StorageError` if that fails."""
    reading = engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")
    with failures_in_words(engine), reading.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, wait: float | None = None) -> Iterator[Connection]:
    """Run a block as one write transaction; on SQLite no other one writes meanwhile, see `postgres.alone` for a server.

    Args:
        engine: The database.
        wait: Seconds to wait for others who write; by default `WAIT_SECONDS`.

    Raises:
        BusyError: Others write for longer than that.
        StorageError: The database fails.
    """
    options = {"writing": True, "wait": WAIT_SECONDS if wait is None else wait}
    with failures_in_words(engine), engine.execution_options(**options).begin() as connection:
        yield connection
