"""A little room on the disk, kept for the last words of a run: how it ended can be recorded when the disk is full."""

import os
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 256 * 1024  # the database needs some 40 kB to change one row


def keep_reserve(folder: Path) -> None:
    """Take up some room in a run's directory, if there is any."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _reserve(folder).write_bytes(os.urandom(RESERVE_BYTES))  # what a file system cannot make smaller


def give_reserve(folder: Path) -> None:
    """Give that room to whoever writes next."""
    with suppress(OSError):
        _reserve(folder).unlink(missing_ok=True)


def _reserve(folder: Path) -> Path:
    return folder / "reserve"
