"""Files of an object store that were read here: each version under its own name, the least used removed first."""

import errno
import os
import shutil
import threading
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from core.object_store import ObjectStore, StoredFile, object_store
from core.settings import cannot_write, files_directory, settings

USED_SECONDS = 60.0  # what was asked for in the last minute is in use and stays


class FileCache:
    """Keeps versions of files below a folder, at most so many bytes, in all processes of this machine.

    A version never changes, and takes its name when it is whole: any number of readers may fetch the same at once.

    Args:
        store: Where they come from.
        folder: Where they are kept.
        limit: How many bytes; a file that is asked for is kept even if it is larger.
    """

    def __init__(self, store: ObjectStore, folder: Path, limit: int) -> None:
        self._store, self._folder, self._limit = store, folder, limit
        self._lock = threading.Lock()
        self._size: int | None = None

    def path(self, key: str, stored: StoredFile) -> Path:
        """Return where a version of a file is or would be kept."""
        folder, _, name = key.rpartition("/")
        return self._folder / folder / stored.version / name

    def get(self, key: str, stored: StoredFile) -> Path:
        """Return a version of a file, fetched if it is not here.

        Raises:
            StorageError: The store fails, or the disk here.
        """
        path = self.path(key, stored)
        with suppress(OSError):
            if time.time() - path.parent.stat().st_mtime > USED_SECONDS / 2:
                os.utime(path.parent)
            if path.is_file():
                return path
        try:
            try:
                self._fetch(key, stored, path)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                self._trim(0)
                self._fetch(key, stored, path)
        except OSError as error:
            raise cannot_write(error) from error
        self._grew(stored.size)
        return path

    def adopt(self, path: Path, key: str, stored: StoredFile) -> None:
        """Keep a file that was just put into the store: `path` is gone afterwards, where that is possible."""
        place = self.path(key, stored)
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
            self._grew(stored.size)

    def remove(self, folder: str) -> None:
        """Remove all that is kept of a folder of the store."""
        shutil.rmtree(self._folder / folder, ignore_errors=True)

    def _fetch(self, key: str, stored: StoredFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            self._store.download(key, part, stored.size)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _grew(self, size: int) -> None:
        with self._lock:
            if self._size is not None and self._size + size <= self._limit:
                self._size += size
                return
        self._trim(self._limit)

    def _trim(self, limit: int) -> None:
        """Remove the versions that were not used for longest until `limit` bytes are left."""
        with self._lock:
            found: list[tuple[float, int, Path]] = []
            for path in [*self._folder.rglob("*")]:
                with suppress(OSError):
                    if path.is_file():
                        found.append((path.parent.stat().st_mtime, path.stat().st_size, path))
            self._size = sum(size for _, size, _ in found)
            for used, size, path in sorted(found):
                if self._size <= limit or time.time() - used < USED_SECONDS:
                    break
                with suppress(OSError):
                    path.unlink()
                    self._size -= size
                    path.parent.rmdir()


def cache_of(url: str) -> FileCache:
    """Return what this machine keeps of the object store at a URL."""
    return _cache(url, files_directory(url) / "cache", settings().cache_mb * 2**20)


@lru_cache(maxsize=8)
def _cache(url: str, folder: Path, limit: int) -> FileCache:
    return FileCache(object_store(url), folder, limit)
