"""Deleting a run: its rows and its weights go together, whenever the process ends."""

import shutil
from contextlib import suppress

from sqlalchemy import delete, select

from core.errors import RunError, StorageError
from core.runs.lifecycle import Trigger, refusal, statuses
from core.runs.manifest import RUN as MANIFEST
from core.runs.records import Status
from core.runs.run_table import RunTable
from core.runs.tables import EVENTS, EVIDENCE, METRICS, RUNS

_DELETED = ".deleted-"  # begins the name of a folder whose run is being deleted


def delete_run(table: RunTable, run_id: str) -> None:
    """Remove a run with its metrics and checkpoints; raises `RunError` while a worker has it."""
    folder, renamed = table.folder / run_id, table.folder / f"{_DELETED}{run_id}"
    try:
        with table.database.writing() as connection:  # no worker can claim it meanwhile
            allowed = RUNS.c.status.in_(statuses(Trigger.DELETE))
            if not connection.execute(delete(RUNS).where(RUNS.c.id == run_id, allowed)).rowcount:
                raise RunError(refusal(Trigger.DELETE, Status.RUNNING))
            for related in (METRICS, EVENTS, EVIDENCE):
                connection.execute(delete(related).where(related.c.run_id == run_id))
            with suppress(OSError):  # it has no weights yet, or Windows: a file of it is open
                if table.files.remote:
                    folder.mkdir(parents=True, exist_ok=True)  # what is to be removed elsewhere is remembered here
                folder.rename(renamed)
            with suppress(OSError):  # what stays of it must not bring it back
                (folder / MANIFEST).unlink(missing_ok=True)
    except BaseException:
        if renamed.exists():
            renamed.rename(folder)
        table.copy(run_id)
        raise
    _remove(table, run_id)


def finish_deletions(table: RunTable) -> None:
    """Finish interrupted deletions: weights are removed if the run's row is gone, else restored."""
    if not any(table.folder.glob(f"{_DELETED}*")):
        return
    with table.database.writing() as connection:  # no other process deletes meanwhile
        for left in table.folder.glob(f"{_DELETED}*"):
            run_id = left.name.removeprefix(_DELETED)
            if connection.execute(select(RUNS.c.id).where(RUNS.c.id == run_id)).one_or_none() is None:
                _remove(table, run_id)
            else:
                with suppress(OSError):
                    left.rename(table.folder / run_id)


def _remove(table: RunTable, run_id: str) -> None:
    """Remove the files of a run whose row is gone; what an object store does not remove now is tried again later."""
    with suppress(StorageError, OSError):
        table.files.remove(run_id)
        shutil.rmtree(table.folder / f"{_DELETED}{run_id}", ignore_errors=True)
