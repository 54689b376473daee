"""The run database: a server, or a SQLite file, reopened where that was deleted, emptied or replaced meanwhile."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from core.errors import StorageError
from core.leftovers import alone_in
from core.runs import postgres
from core.runs.tables import VERSION, complete, engine_of
from core.runs.transactions import transaction, tune, writing

_BESIDE = ("-wal", "-shm")  # what SQLite keeps beside a database: its log and the index of that
_NEWER = "The run database was made by a newer version of ConvScope: update this one, then start it again."

_File = tuple[int, int] | None  # which file it is, whatever its name; None where there is none
Settle = Callable[[Engine, sqlite3.Connection | None, bool], None]


class Database:
    """A database whose file is checked before each transaction: is it still the one that was opened?

    A program that has a SQLite file open can go on using it after somebody deleted it, while every program that opens
    it from then on sees another one. So the file is looked at each time; once it is another one, all connections are
    given back, missing tables are made, and `settle` may bring in what is missing before anybody else looks.

    Args:
        url: SQLAlchemy URL.
        settle: Called with the engine whenever the database was opened, with the connection to the file that was
            open before if that is another one (it can still be read, unless the file was emptied), and with whether
            it took the place of another one.

    Raises:
        StorageError: The database cannot be opened; so does `engine`.
    """

    def __init__(self, url: str, settle: Settle) -> None:
        self._engine = engine_of(url)
        self._settle = settle
        self._lock = threading.RLock()
        name = self._engine.url.database or ""
        on_disk = self._engine.dialect.name == "sqlite" and name and not name.startswith((":memory:", "file:"))
        self.path = Path(name) if on_disk else None
        self._witness: sqlite3.Connection | None = None  # stays open, so that SQLite never removes the log itself
        self._file: _File = None
        self._files: tuple[_File, ...] | None = None
        event.listen(self._engine, "handle_error", self._doubt)
        with self._lock:
            self._open()

    @property
    def engine(self) -> Engine:
        """The engine, for one transaction."""
        if self._files is None or self._look() != self._files:
            with self._lock:
                if self._files is None or self._look() != self._files:
                    self._open()
        return self._engine

    @property
    def on_server(self) -> bool:
        """Whether it is a server's, and not a file or memory of this machine."""
        return self._engine.dialect.name != "sqlite"

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a read transaction; raises `StorageError` if the database fails."""
        return transaction(self.engine)

    def writing(self, wait: float | None = None) -> AbstractContextManager[Connection]:
        """Return a write transaction; raises `BusyError` if others hold the lock for longer than `wait` seconds."""
        return writing(self.engine, wait)

    def close(self) -> None:
        """Give the connections back; the next use opens them again."""
        with self._lock:
            self._engine.dispose()
            self._files = None
            if self._witness is not None:
                self._witness.close()
                self._witness = None

    def _doubt(self, context: Any) -> None:
        """Reopen after an error that says that tables are missing or that the file was damaged or replaced."""
        code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
        lost = "no such table" in str(context.original_exception) or postgres.lost_tables(context.original_exception)
        if lost or code in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_IOERR,
        ):
            self._files = None

    def _look(self) -> tuple[_File, ...]:
        return () if self.path is None else tuple(_identity(self.path, suffix) for suffix in ("", *_BESIDE))

    def _open(self) -> None:
        """Open the database file that is there now."""
        if self.path is None:
            self._prepare()
            self._files = ()
            self._settle(self._engine, None, False)
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(self.path.parent):
            before, witness, files = self._file, self._witness, self._look()
            if witness is not None and files[0] == before and None in files:
                with suppress(sqlite3.Error):  # its log was deleted: what that held is written into the file
                    witness.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._clear(files)
            self._engine.dispose()
            if witness is not None and files[0] == before:
                witness.close()
                witness = self._witness = None
            self._prepare()
            self._witness = _witness(self.path)
            self._file, *_ = files = self._look()
            replaced = before is not None and self._file != before
            self._settle(self._engine, witness if replaced else None, replaced)
            if witness is not None:
                witness.close()
            # An index without a file belongs to a connection that a thread still has: look again soon.
            self._files = None if files[1] and not files[2] else files

    def _prepare(self) -> None:
        with transaction(self._engine) as connection:
            if not self.on_server:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one() if self.path else 0
            else:
                version = postgres.version(connection)
        if version > VERSION:
            raise StorageError(_NEWER)
        complete(self._engine)

    def _clear(self, files: tuple[_File, ...]) -> None:
        """Remove the log files of a database that is gone: SQLite would take them for part of the new one."""
        assert self.path is not None
        if files[0] is None:
            stale = ["", *_BESIDE]
        elif self._file is not None and files[0] != self._file:
            previous = (self._files or (None,) * 3)[1:]
            stale = [name for name, was, now in zip(_BESIDE, previous, files[1:], strict=True) if was and was == now]
        else:
            return
        for suffix in stale:
            with suppress(OSError):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def _identity(path: Path, suffix: str) -> _File:
    try:
        status = Path(f"{path}{suffix}").stat()
    except OSError:
        return None
    return None if not suffix and not status.st_size else (status.st_dev, status.st_ino)


def _witness(path: Path) -> sqlite3.Connection | None:
    try:
        witness = sqlite3.connect(path, check_same_thread=False)
        tune(witness)
        witness.execute("SELECT count(*) FROM sqlite_master").fetchall()  # opens the log
    except sqlite3.Error:  # it may only be read
        return None
    return witness
