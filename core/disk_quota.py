"""How much of the disk runs, data sets and downloads may take together: asked before anything is added."""

import os
import time
from functools import lru_cache
from pathlib import Path

from core.errors import StorageError
from core.settings import settings

MB = 2**20
_AGAIN = 10.0  # seconds until the files are counted anew


def check_disk(more: int = 0) -> None:
    """Raise `StorageError` where what is kept, and `more` bytes, is more than `CONVSCOPE_MAX_DISK_MB` allows.

    What trains already goes on: only new runs, data sets and downloads are refused, in the app and on the command line.
    """
    current = settings()
    if not current.max_disk_mb:
        return
    apart = current.files not in (current.home, *current.files.parents) and current.home not in current.files.parents
    used = _used(current.home, int(time.monotonic() / _AGAIN))
    used += _used(current.files, int(time.monotonic() / _AGAIN)) if apart else 0
    if used + more > current.max_disk_mb * MB:
        raise StorageError(
            f"Runs, data sets and downloads take {used / MB:,.0f} MB, and {current.max_disk_mb:,} MB is the most here: "
            "delete some that nobody needs, and try again."
        )


@lru_cache(maxsize=4)
def _used(folder: Path, when: int) -> int:
    """Return the bytes of all files below a folder; `when` changes as often as they are counted anew."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # deleted meanwhile
            continue
    return total
