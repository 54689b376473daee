"""Copies of a run's rows as JSON beside its weights, from which it is recovered where the database was lost."""

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from core.leftovers import writing_in
from core.runs.database import Database
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS

RUN, CURVES = "run.json", "curves.json"
FORMAT = 1  # raised whenever the same run would be read differently
SERIES = (METRICS, EVENTS, EVIDENCE)

Rows = Mapping[Table, list[dict[str, Any]]]


def write_run(database: Database, run_id: str, folder: Path, name: str) -> None:
    """Write the row of a run into its folder, if both exist; failures are ignored, since it is only a copy.

    Args:
        database: Where the row is.
        run_id: The run.
        folder: Its folder.
        name: Which database that is, as seen from the folder.
    """
    with database.reading() as connection:
        row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).mappings().one_or_none()
    if row is not None:
        _write(folder / RUN, {"format": FORMAT, "database": name, "run": dict(row)})


def write_curves(database: Database, run_id: str, folder: Path) -> None:
    """Write metrics, events and evidence of a run into its folder; failures are ignored."""
    content: dict[str, Any] = {"format": FORMAT}
    with database.reading() as connection:
        for table in SERIES:
            columns = [column for column in table.c if column.name not in ("run_id", "id")]
            rows = connection.execute(select(*columns).where(table.c.run_id == run_id).order_by(table.c.step))
            content[table.name] = {"columns": [column.name for column in columns], "rows": [list(row) for row in rows]}
    _write(folder / CURVES, content)


def read(folder: Path, database: str) -> Rows | None:
    """Return the rows of a run from its folder; None if they cannot be read or belong to another database.

    Curves that cannot be read are left out.
    """
    content = _read(folder / RUN)
    row = content.get("run")
    if content.get("database") != database or not isinstance(row, dict) or row.get("id") != folder.name:
        return None
    rows: dict[Table, list[dict[str, Any]]] = {RUNS: [row]}
    curves = _read(folder / CURVES)
    with suppress(KeyError, TypeError, ValueError):
        rows |= {
            table: [
                {"run_id": folder.name} | dict(zip(curves[table.name]["columns"], values, strict=True))
                for values in curves[table.name]["rows"]
            ]
            for table in SERIES
        }
    return rows


def _write(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    with suppress(OSError), writing_in(path.parent):
        try:
            part.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("format") == FORMAT else {}
