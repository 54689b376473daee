"""An object store by its fsspec URL: the files below it, each whole or not there, and one sentence where it fails."""

import errno
import importlib
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.errors import ConvScopeError, MissingPackageError, StorageError

LOOK_SECONDS = 1.0  # a listing is as new as that
HINDERED_SECONDS = 3.0  # after a failure readers are told at once for so long
CONNECT_SECONDS, READ_SECONDS = 3, 20
_OPTIONS = ("endpoint_url", "region")  # what the URL of an S3 store may say after "?"
_LOCAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)  # of the file here, when one is fetched


class Fault(Enum):
    """Why an object store does not do what is asked."""

    UNREACHABLE = "it cannot be reached"
    DENIED = "it refuses access (check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do)"
    FULL = "it takes no files (it may be full)"
    MISSING = "there is no such bucket"


class ObjectStoreError(StorageError):
    """An object store failed; `fault` is the reason as a code."""

    def __init__(self, where: str, fault: Fault) -> None:
        super().__init__(f"The store of files {where} failed: {fault.value}. Try again once that is mended.")
        self.fault = fault


@dataclass(frozen=True)
class StoredFile:
    """A file in the store.

    Attributes:
        version: Changes whenever its content does.
        size: In bytes.
    """

    version: str
    size: int


class ObjectStore:
    """The files below a URL; every method raises `ObjectStoreError` where the store fails. For any threads.

    Credentials come from the environment, as for every program that speaks S3 (`AWS_ACCESS_KEY_ID`,
    `AWS_SECRET_ACCESS_KEY`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`), never in the URL, which is shown.

    Args:
        url: For instance `s3://bucket/prefix?endpoint_url=http://host:9000`.

    Raises:
        ConvScopeError: The URL holds what it must not, or the package for it is not installed.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        allowed = _OPTIONS if parts.scheme == "s3" else ()
        if "@" in parts.netloc or "@" in options.get("endpoint_url", "") or not {*options} <= {*allowed}:
            raise ConvScopeError(
                "CONVSCOPE_FILES may say the bucket, a prefix and, for S3, ?endpoint_url=…&region=…, and nothing else: "
                "keys are given in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        if not parts.netloc:
            raise ConvScopeError("CONVSCOPE_FILES names no bucket: write for instance s3://bucket/prefix.")
        self.where = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        self._base = f"{parts.netloc}{parts.path}".rstrip("/")
        self._system = _file_system(parts.scheme, tuple(options.items()))
        self._listings: dict[str, tuple[float, Mapping[str, StoredFile]]] = {}
        self._lock = threading.Lock()
        self._failed: tuple[float, ObjectStoreError] | None = None

    def list(self, folder: str, *, fresh: bool = False) -> Mapping[str, StoredFile]:
        """Return the files below a folder by their names in it, as they were at most `LOOK_SECONDS` ago.

        With `fresh` the store is asked, whatever is known of it.
        """
        with self._lock:
            now = time.monotonic()
            looked, files = self._listings.get(folder, (float("-inf"), {}))
            if not fresh and now - looked < LOOK_SECONDS:
                return files
            if not fresh and self._failed and now - self._failed[0] < HINDERED_SECONDS:
                raise self._failed[1]
        path, found = f"{self._base}/{folder}", dict[str, Any]()
        try:
            with suppress(FileNotFoundError):
                found = self._system.find(path, detail=True)
        except Exception as error:
            raise self._error(error) from error
        files = {
            name.removeprefix(f"{path}/"): _stored(info) for name, info in found.items() if name.startswith(f"{path}/")
        }
        with self._lock:
            self._listings[folder] = time.monotonic(), files
            self._failed = None
        return files

    def known(self, folder: str) -> Mapping[str, StoredFile]:
        """Return what `list` does, or its last answer where the store fails now; nothing where there was none."""
        try:
            return self.list(folder)
        except StorageError:
            return self._listings.get(folder, (0.0, {}))[1]

    def download(self, key: str, path: Path, size: int) -> None:
        """Write a file of the store to a path; raises OSError where the disk here fails."""
        try:
            self._system.get_file(f"{self._base}/{key}", str(path))
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _LOCAL:
                raise
            raise self._error(error) from error
        if path.stat().st_size != size:
            raise self._error(EOFError("a file came in part"))

    def upload(self, path: Path, key: str) -> StoredFile:
        """Put a file into the store: readers see the old one or all of the new one."""
        size = path.stat().st_size
        try:
            self._system.put_file(str(path), f"{self._base}/{key}")
            stored = _stored(self._system.info(f"{self._base}/{key}"))
        except Exception as error:
            raise self._error(error) from error
        self._forget(key)
        if stored.size != size:
            raise self._error(EOFError("a file arrived in part"))
        return stored

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files; those that are not there are passed over."""
        keys = [*keys]
        try:
            if keys:
                with suppress(FileNotFoundError):
                    self._system.rm([f"{self._base}/{key}" for key in keys])
        except Exception as error:
            raise self._error(error) from error
        for key in keys:
            self._forget(key)

    def remove_folder(self, folder: str) -> None:
        """Remove all files below a folder."""
        self.remove(f"{folder}/{name}" for name in self.list(folder, fresh=True))

    def _forget(self, key: str) -> None:
        """Let the next look at the folders of a file that was just changed ask the store."""
        with self._lock:
            self._failed = None
            for folder in [folder for folder in self._listings if key.startswith(f"{folder}/")]:
                _, files = self._listings[folder]
                self._listings[folder] = float("-inf"), files

    def _error(self, error: Exception) -> ObjectStoreError:
        """Return the sentence for what the store or the way to it raised; it shows no header and no key."""
        said, answer = f"{error} {error.__cause__ or ''}".lower(), getattr(error.__cause__ or error, "response", None)
        answered = isinstance(answer, dict) and "Error" in answer
        if isinstance(error, PermissionError) or "credentials" in said:
            fault = Fault.DENIED
        elif isinstance(error, FileNotFoundError) and "bucket" in said:
            fault = Fault.MISSING
        elif answered:
            fault = Fault.FULL
        else:
            fault = Fault.UNREACHABLE
        failure = ObjectStoreError(self.where, fault)
        with self._lock:
            self._failed = time.monotonic(), failure
        return failure


@lru_cache(maxsize=8)
def object_store(url: str) -> ObjectStore:
    """Return the store at a URL: one for all of this process, so that what is known of it is known once."""
    return ObjectStore(url)


def _stored(info: Mapping[str, Any]) -> StoredFile:
    size = int(info["size"] or 0)
    mark = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified") or info.get("created")
    words = "".join(letter for letter in str(mark) if letter.isalnum())
    return StoredFile(f"{words[:64]}-{size:x}", size)


@lru_cache(maxsize=8)
def _file_system(scheme: str, named: tuple[tuple[str, str], ...]) -> Any:
    """Return the fsspec file system of a URL; packages for it are imported here, and nowhere else."""
    options = dict(named)
    try:
        if scheme != "s3":
            return importlib.import_module("fsspec").filesystem(
                scheme, skip_instance_cache=True, use_listings_cache=False
            )
        s3fs = importlib.import_module("s3fs")
    except (ImportError, ValueError) as error:
        raise MissingPackageError(
            f"CONVSCOPE_FILES names a store at {scheme}://, for which a package is not installed here ({error}): "
            "pip install -r requirements-server.txt, or that package."
        ) from error
    waits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"total_max_attempts": 2}}
    system = s3fs.S3FileSystem(
        endpoint_url=options.get("endpoint_url"),
        client_kwargs={"region_name": options["region"]} if "region" in options else {},
        config_kwargs=waits,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    system.retries = 2
    # What becomes of a request is raised where it was made; that its connection broke need not be logged besides.
    system.loop.call_soon_threadsafe(system.loop.set_exception_handler, lambda loop, context: None)
    return system
