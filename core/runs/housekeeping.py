"""Removal of unfinished files of killed processes, once nobody writes them any more."""

from contextlib import suppress
from pathlib import Path

from core.errors import StorageError
from core.leftovers import remove_parts, sweep_home
from core.runs.lifecycle import Trigger, statuses
from core.runs.manifest import RUN as MANIFEST
from core.runs.reserve import give_reserve
from core.runs.store import RunStore


def clear(folder: Path) -> None:
    """Remove what an ended worker left in a run's folder: its disk reserve and unfinished checkpoints."""
    give_reserve(folder)
    remove_parts(folder)


def tidy(store: RunStore) -> None:
    """Remove unfinished files of killed processes; files that are still being written stay.

    Runs of an earlier version get their copy of what the database says of them.
    """
    with suppress(OSError):
        for folder in store.folder.iterdir():
            remove_parts(folder)
    with suppress(StorageError):
        for run in store.list():
            folder = store.folder / run.id
            if folder.is_dir() and not (folder / MANIFEST).exists():  # of an earlier version
                store.copy(run.id, curves=True)
        _send(store)
    sweep_home()


def _send(store: RunStore) -> None:
    """Send to the object store what ended processes of this machine could not; runs that are gone leave nothing."""
    unsent = store.files.unsent()
    runs = {run.id: run for run in store.list(ids=unsent)} if unsent else {}
    for run_id in unsent:
        if run_id not in runs:
            store.files.discard(run_id)
        elif runs[run_id].status not in statuses(Trigger.WORKER_DIED):  # else its worker does
            store.files.recover(run_id, runs[run_id].step, runs[run_id].steps_per_epoch)
            store.worker.note_files(run_id, "")
