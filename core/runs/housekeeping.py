"""What processes that were killed left behind, removed once nobody writes it any more."""

from contextlib import suppress
from pathlib import Path

from core.leftovers import remove_parts, sweep_home
from core.runs.reserve import give_reserve
from core.runs.store import RunStore


def clear(folder: Path) -> None:
    """Give back what the worker of a run took up on the disk, now that it has ended: its reserve, half a checkpoint."""
    give_reserve(folder)
    remove_parts(folder)


def tidy(store: RunStore) -> None:
    """Remove the halves of checkpoints and other unfinished files of killed processes; those in use stay."""
    with suppress(OSError):
        for folder in store.folder.iterdir():
            remove_parts(folder)
    sweep_home()
