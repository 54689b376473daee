"""Removal of unfinished files of killed processes, once nobody writes them any more."""

from contextlib import suppress
from pathlib import Path

from core.errors import StorageError
from core.leftovers import remove_parts, sweep_home
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
    sweep_home()
