"""A file that reserves disk space while a run trains, so that its end can be recorded on a full disk."""

import os
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 256 * 1024  # the database needs some 40 kB to change one row


def keep_reserve(folder: Path) -> None:
    """Write the reserve into a run's folder, if there is room."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _reserve(folder).write_bytes(os.urandom(RESERVE_BYTES))  # what a file system cannot make smaller


def give_reserve(folder: Path) -> None:
    """Delete the reserve."""
    with suppress(OSError):
        _reserve(folder).unlink(missing_ok=True)


def _reserve(folder: Path) -> Path:
    return folder / "reserve"
