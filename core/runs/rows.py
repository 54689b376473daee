"""Rows of the database as runs."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from core.data.catalog import known
from core.data.dataset_info import DatasetInfo
from core.errors import SpecError, StorageError
from core.model.spec import ModelSpec
from core.runs.records import Run, Status

_PARSED = ("spec", "config", "live", "status", "dataset_info")


@lru_cache(maxsize=1024)
def _spec(text: str) -> ModelSpec:
    return ModelSpec.from_json(text)


@lru_cache(maxsize=1024)
def _info(text: str) -> DatasetInfo | None:
    try:
        return DatasetInfo.from_json(text) if text else None
    except (ValueError, TypeError):  # damaged: as if nothing had been recorded
        return None


def read_run(row: Row[Any]) -> Run:
    """Return the run that a row records; raises `StorageError` if the row is damaged."""
    values = row._asdict()
    try:
        return Run(
            **{name: value for name, value in values.items() if name not in _PARSED},
            spec=_spec(values["spec"]),
            config=json.loads(values["config"]),
            live=json.loads(values["live"]),
            status=Status(values["status"]),
            dataset_info=_info(values["dataset_info"]) or known(values["dataset"]),
        )
    except (ValueError, SpecError) as error:
        raise StorageError(f"The record of run {values['id']} is damaged: choose another run.") from error


def readable_runs(rows: Iterable[Row[Any]]) -> Iterator[Run]:
    """Yield the runs whose record can be read: a damaged one must not hide the others."""
    for row in rows:
        with suppress(StorageError):
            yield read_run(row)
