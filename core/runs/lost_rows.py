"""Recovery of runs whose folder exists but whose row does not, after the database was deleted or replaced."""

import os
import re
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StorageError
from core.runs import manifest, postgres
from core.runs.manifest import SERIES, Rows
from core.runs.tables import RUNS, read_run
from core.runs.transactions import transaction, writing

ID = re.compile(r"[0-9a-f]{10}")
_OF_WORKERS = ("steps_wanted", "owner", "person", "queued", "number", "lapses", "lapsed_at")
RUN_COLUMNS = [column for column in RUNS.c if column.name not in _OF_WORKERS]


@dataclass(frozen=True)
class Recovery:
    """The outcome of comparing a database with the folders of runs beside it.

    Attributes:
        runs: How many runs it knows now.
        recovered: Ids of those among them that were found again by their folders just now.
        strays: Names of folders with weights of which nothing says which network they are of.
    """

    runs: int
    recovered: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def database_name(engine: Engine, folder: Path) -> str:
    """Return the name of the database relative to the folder of runs, without credentials; "" if it is in memory."""
    url = engine.url
    if engine.dialect.name != "sqlite":
        return f"{postgres.place(url)}/{url.database}"
    if not url.database or url.database.startswith(":memory:"):
        return ""
    try:
        return Path(os.path.relpath(url.database, folder)).as_posix()
    except ValueError:  # another drive
        return url.database


def in_words(engine: Engine, recovery: Recovery, *, replaced: bool) -> str:
    """Return one or two sentences on what happened to the database; nothing where nothing did."""
    count = len(recovery.recovered)
    if replaced:  # another process may have found them
        gone = f"The run database {engine.url.database} was deleted or replaced at {time.strftime('%H:%M')}."
        outcome = f"trainings found again in their folders: {count or recovery.runs}"
        return f"{gone} A new one is in use; {outcome}. If more are missing, put a copy of the old file in its place."
    return f"The run database had lost trainings; found again in their folders: {count}." if count else ""


def recover(engine: Engine, folder: Path, database: str, old: sqlite3.Connection | None = None) -> Recovery:
    """Insert the rows of runs that have a folder but no row, from the copies in their folders.

    A run that was being trained is so again, in the name of the same owner: its worker goes on; if it is dead, its
    heartbeat stands still and the engine finds out.

    Args:
        engine: The database.
        folder: The folder of all runs.
        database: Which database it is, as `manifest` names it; folders of other ones are left alone.
        old: A connection to the file that was the database until now; it knows more than the folders do.
    """
    with transaction(engine) as connection:
        missing = _without_row(connection, folder)
        count = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
    if not missing or not database:
        return Recovery(count)
    recovered, strays = [], []
    copies = {path: _from(old, path.name) or manifest.read(path, database) for path in missing}
    if any(copies.values()):
        with writing(engine) as connection:  # of several processes that notice it, one does it
            missing = _without_row(connection, folder)
            recovered = [path.name for path in missing if (rows := copies.get(path)) and _add(connection, rows)]
            count = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
    for path in missing:
        if path.name not in recovered and not (path / manifest.RUN).exists() and any(path.glob("*.safetensors")):
            strays.append(path.name)
    return Recovery(count, tuple(recovered), tuple(strays))


def _without_row(connection: Connection, folder: Path) -> list[Path]:
    try:
        folders = sorted(path for path in folder.iterdir() if ID.fullmatch(path.name))
    except OSError:
        return []
    ids = set(connection.execute(select(RUNS.c.id)).scalars())
    return [path for path in folders if path.name not in ids]


def _from(old: sqlite3.Connection | None, run_id: str) -> Rows | None:
    """Return the rows of a run from an unlinked database file; None where it cannot be read."""
    if old is None:
        return None
    rows: dict[Table, list[dict[str, Any]]] = {}
    try:
        for table in (RUNS, *SERIES):
            key = "id" if table is RUNS else "run_id"
            cursor = old.execute(f"SELECT * FROM {table.name} WHERE {key} = ?", (run_id,))
            names = [column[0] for column in cursor.description]
            rows[table] = [dict(zip(names, values, strict=True)) for values in cursor]
    except sqlite3.Error:
        return None
    return rows if rows[RUNS] else None


def _add(connection: Connection, rows: Rows) -> bool:
    """Insert the rows of a run; false, and nothing is changed, if they are damaged."""
    with suppress(SQLAlchemyError, StorageError), connection.begin_nested():
        for table, records in rows.items():
            names = {column.name for column in table.c} - ({"id"} if table is not RUNS else set())
            if records:
                values = [{name: value for name, value in record.items() if name in names} for record in records]
                connection.execute(insert(table), values)
        read_run(connection.execute(select(*RUN_COLUMNS).where(RUNS.c.id == rows[RUNS][0]["id"])).one())
        return True
    return False
