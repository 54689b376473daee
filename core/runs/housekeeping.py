"""What processes that were killed left behind, removed once nobody writes it any more."""

from contextlib import suppress
from pathlib import Path

from core.errors import StorageError
from core.leftovers import remove_parts, sweep_home
from core.runs.manifest import RUN as MANIFEST
from core.runs.reserve import give_reserve
from core.runs.store import RunStore


def clear(folder: Path) -> None:
    """Give back what the worker of a run took up on the disk, now that it has ended: its reserve, half a checkpoint."""
    give_reserve(folder)
    remove_parts(folder)


def tidy(store: RunStore) -> None:
    """Remove the halves of checkpoints and other unfinished files of killed processes; those in use stay.

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
