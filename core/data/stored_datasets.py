"""Data sets of one's own in an object store: every machine reads them through its cache; what is written is sent."""

import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.errors import StorageError
from core.file_cache import FileCache, cache_of
from core.object_store import ObjectStore, object_store
from core.settings import files_url

FOLDER = "data/own"


class StoredDatasets:
    """The data sets below `FOLDER` of a store, as far as is known where that fails: a folder of files for each.

    Args:
        store: The object store.
        cache: What is kept of it here.
    """

    def __init__(self, store: ObjectStore, cache: FileCache) -> None:
        self._store, self._cache = store, cache

    def names(self) -> list[str]:
        """Return the names of all."""
        return sorted({key.partition("/")[0] for key in self._store.known(FOLDER)})

    def has(self, name: str, file: str) -> bool:
        """Return whether one has a file."""
        return f"{name}/{file}" in self._store.known(FOLDER)

    def mark(self, name: str, file: str) -> int:
        """Return a number that changes with the content of a file; 0 where there is none."""
        stored = self._store.known(FOLDER).get(f"{name}/{file}")
        return zlib.crc32(stored.version.encode()) + 1 if stored else 0

    def path(self, name: str, file: str) -> Path:
        """Return where to read a file, fetched if it is not here; raises FileNotFoundError or `StorageError`."""
        stored = self._store.known(FOLDER).get(f"{name}/{file}")
        if stored is None:
            raise FileNotFoundError(f"{name}/{file}")
        return self._cache.get(f"{FOLDER}/{name}/{file}", stored)

    def put(self, name: str, files: Sequence[Path]) -> None:
        """Send files of a data set, in order, under their names; raises `StorageError`, and a new one is not there."""
        new = not any(key.startswith(f"{name}/") for key in self._store.list(FOLDER, fresh=True))
        try:
            for path in files:
                key = f"{FOLDER}/{name}/{path.name}"
                self._cache.adopt(path, key, self._store.upload(path, key))
        except StorageError:
            if new:
                with suppress(StorageError):
                    self.remove(name, *(path.name for path in files))
            raise

    def remove(self, name: str, *files: str) -> None:
        """Remove files of a data set; raises `StorageError`."""
        self._store.remove(f"{FOLDER}/{name}/{file}" for file in files)


def stored_datasets() -> StoredDatasets | None:
    """Return the data sets of the object store that the settings name; None where they name none."""
    url = files_url()
    return StoredDatasets(object_store(url), cache_of(url)) if url else None
