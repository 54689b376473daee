"""Rows of the database as runs."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from core.errors import SpecError, StorageError
from core.model.spec import ModelSpec
from core.runs.records import Run, Status


@lru_cache(maxsize=1024)
def _spec(text: str) -> ModelSpec:
    return ModelSpec.from_json(text)


def read_run(row: Row[Any]) -> Run:
    """Return the run that a row records; raises `StorageError` if the row is damaged."""
    values = row._asdict()
    try:
        return Run(
            **{name: value for name, value in values.items() if name not in ("spec", "config", "live", "status")},
            spec=_spec(values["spec"]),
            config=json.loads(values["config"]),
            live=json.loads(values["live"]),
            status=Status(values["status"]),
        )
    except (ValueError, SpecError) as error:
        raise StorageError(f"The record of run {values['id']} is damaged: choose another run.") from error


def readable_runs(rows: Iterable[Row[Any]]) -> Iterator[Run]:
    """Yield the runs whose record can be read: a damaged one must not hide the others."""
    for row in rows:
        with suppress(StorageError):
            yield read_run(row)
