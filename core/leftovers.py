"""Unfinished files: their folder is locked while somebody writes them, so that those of killed writers can be told.

The lock is the system's own (`flock`) on the folder itself: it needs no file and ends with the process, however that
ends. Where there is none, on Windows or some network disks, what is an hour old counts as left behind.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.settings import settings

if sys.platform == "win32":
    _SHARED = _ALONE = _SWEEPING = 0
else:
    import fcntl

    _SHARED, _ALONE, _SWEEPING = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB

STALE_SECONDS = 3600.0
PARTS = ("*.part", ".tmp*")  # of checkpoints; the latter are safetensors' own
FOLDERS = (  # what `unfinished` makes in the data directory, or where files are shared
    "runs/.import-*",
    "data/.arrays-*",
    "data/own/.import-*",
    "data/own/.gone-*",
    "data/own/*/.info-*",
    "zoo/.weights-*",
    "collections/.boxes-*",
)
EXPORT = "convscope-"  # begins the names of those in the system's folder for temporary files


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Keep `folder` from being swept while unfinished files are written into it; several may write at once."""
    lock = _lock(folder, _SHARED)
    try:
        yield
    finally:
        _release(lock)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until nobody else is in this block, or writes in `folder`, in any process of this machine."""
    lock = _lock(folder, _ALONE)
    try:
        yield
    finally:
        _release(lock)


@contextmanager
def unfinished(prefix: str, place: Path | None = None) -> Iterator[Path]:
    """Make a folder for unfinished files that is gone afterwards; those that killed processes left go first.

    Args:
        prefix: How its name begins, as in `FOLDERS`, or `EXPORT`.
        place: An existing folder on the disk on which the files will stay; by default the system's.
    """
    place = place or Path(tempfile.gettempdir())
    _sweep(place, f"{prefix}*")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with writing_in(folder):
            yield folder


def sweep_home() -> None:
    """Remove such folders that killed processes left, in the data directory and among the system's."""
    current = settings()
    for pattern in FOLDERS:
        for place in {current.home, current.files}:
            _sweep(place, pattern)
    _sweep(Path(tempfile.gettempdir()), f"{EXPORT}*")


def _sweep(place: Path, pattern: str) -> None:
    with suppress(OSError):  # one that another process sweeps at this moment
        for folder in place.glob(pattern):
            if _is_stale(folder):
                with suppress(BlockingIOError):
                    lock = _lock(folder, _SWEEPING)
                    shutil.rmtree(folder, ignore_errors=True)
                    _release(lock)


def remove_parts(folder: Path) -> None:
    """Remove what is left of checkpoints in a run's directory whose writers were killed; nothing while one writes."""
    parts = [part for pattern in PARTS for part in folder.glob(pattern)]
    if not parts:
        return
    with suppress(BlockingIOError):
        lock = _lock(folder, _SWEEPING)
        for part in parts:
            if lock is not None or _is_stale(part):
                with suppress(OSError):
                    part.unlink()
        _release(lock)


def _lock(folder: Path, how: int) -> int | None:
    """Lock a folder; return what holds the lock, None where there are no locks.

    Raises:
        BlockingIOError: It is to be swept, but others write in it.
    """
    if sys.platform == "win32":
        return None
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, how)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return lock


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _is_stale(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime > STALE_SECONDS
    return False
