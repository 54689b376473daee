"""Taking a run in from an archive: the whole of it or nothing, and nothing that has not been checked."""

import json
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from core.data.dataset_info import DatasetInfo
from core.disk_quota import check_disk
from core.errors import StorageError
from core.exchange.check_weights import CheckpointValidator
from core.exchange.dataset import read_info, stage_images
from core.exchange.layout import WEIGHTS, RunLimits, refusal, weights_names
from core.exchange.run_record import RunRecord
from core.exchange.unpack import Archive, opened
from core.leftovers import unfinished
from core.runs import postgres
from core.runs.checkpoint import save_checkpoint
from core.runs.lifecycle import TRANSITIONS, Status, Trigger
from core.runs.store import RunStore
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS, next_number
from core.runs.transactions import BusyError
from core.train.config import TrainConfig

_DEFAULTS = RunLimits()
_WAS_ACTIVE = "It had not ended when it was exported: press Resume to go on."


def import_run(store: RunStore, data: bytes | Path, limits: RunLimits = _DEFAULTS) -> str:
    """Add the run of an archive to a store and return its id here.

    All of it is as it was where it was exported, but for the id; a run that was queued, training or paused is
    interrupted. Only numbers and texts that were checked are taken, and weights that fit the network and are finite.
    If anything is wrong, nothing stays.

    Args:
        store: Where to add it.
        data: What `export_run` wrote, or where it lies.
        limits: How large it may be.

    Raises:
        ArchiveError, SpecError, ConfigError: The archive cannot be taken, for the reason that the sentence gives.
        StorageError: The database or the disk fails.
    """
    with opened(data, limits) as archive:
        record = RunRecord.read(archive.text)
        info = read_info(archive, record.values["dataset"], record.spec)

        def fill(staged: Path) -> None:
            _stage(archive, record, staged, limits)
            if info is not None:
                stage_images(archive, info, staged)

        return insert_run(store, record, info, fill)


def insert_run(store: RunStore, record: RunRecord, info: DatasetInfo | None, fill: Callable[[Path], None]) -> str:
    """Add a run with its files to a store, both or neither, and return its id.

    Args:
        store: Where to add it.
        record: All that its rows say.
        info: What is known of its data set.
        fill: Writes its files into a folder.

    Raises:
        StorageError: The database or the disk fails.
    """
    check_disk()
    run_id = uuid.uuid4().hex[:10]
    try:
        with unfinished(".import-", store.folder) as folder:
            staged = folder / run_id
            staged.mkdir()
            fill(staged)
            store.files.publish(run_id, staged)
            _insert(store, run_id, record, info, staged)
            store.copy(run_id, curves=True)
    except OSError as error:
        raise StorageError(f"The run cannot be kept ({error}): make room on the disk and import it again.") from error
    return run_id


def _stage(archive: Archive, record: RunRecord, staged: Path, limits: RunLimits) -> None:
    """Put the weights of an archive into a folder, each written anew after it was tried on the network."""
    names = {name for name in archive.names if name.startswith(WEIGHTS) and name != WEIGHTS}
    known = weights_names([None, *range(TrainConfig.from_mapping(record.config).epochs + 1)])
    if names - set(known.values()):
        raise refusal("The archive holds weights of epochs that the run does not have")
    trial = CheckpointValidator(record)
    for epoch, name in known.items():
        if name in names:
            packed = staged.with_name(f"{staged.name}-{epoch}")
            with packed.open("wb") as file:
                archive.copy(name, file, limits.total)
            save_checkpoint(staged / Path(name).name, trial.checked(packed, name, epoch))
            packed.unlink()


def _insert(store: RunStore, run_id: str, record: RunRecord, info: DatasetInfo | None, staged: Path) -> None:
    """Add the rows, and with them the weights: in one transaction, so that there are both or neither."""
    tables: dict[Any, list[dict[str, Any]]] = {
        METRICS: [asdict(metric) for metric in record.metrics],
        EVENTS: [asdict(event) for event in record.events],
        EVIDENCE: [asdict(item) | {"bins": json.dumps(item.bins)} for item in record.evidence],
    }
    final = store.folder / run_id
    try:
        with store.database.writing() as connection:
            postgres.alone(connection)  # no two runs have the same number
            connection.execute(insert(RUNS).values(id=run_id, number=next_number(), **_row(record, info)))
            for table, rows in tables.items():
                if rows:
                    connection.execute(insert(table), [{"run_id": run_id} | row for row in rows])
            staged.rename(final)
    except BaseException as error:
        if not (store.on_server and isinstance(error, BusyError)):  # where the connection was lost it may be there
            shutil.rmtree(final, ignore_errors=True)
            with suppress(StorageError):
                store.files.remove(run_id)
        raise
    store.files.discard(run_id)


def _row(record: RunRecord, info: DatasetInfo | None) -> dict[str, Any]:
    """Return the columns of the run's own row."""
    row = dict(record.values) | {
        "spec": record.spec.to_json(),
        "config": json.dumps(dict(record.config)),
        "live": json.dumps(dict(record.live)),
        "dataset_info": info.to_json() if info else "",
        "created": min(record.values["created"], time.time()),  # a clock that was ahead must not keep it on top
        "queued": record.values["created"],
    }
    arrival = TRANSITIONS[Trigger.IMPORTED].get(Status(row["status"]))
    if arrival is not None:
        row |= {**arrival.columns, "status": arrival.status, "message": _WAS_ACTIVE}
    return row
