"""Where things are kept and how much is allowed, read from the environment (`CONVSCOPE_*`)."""

import errno
import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from core.errors import ConvScopeError, StorageError

FILES = "CONVSCOPE_FILES"
ENGINES = ("local", "ray", "none")


@dataclass(frozen=True)
class Settings:
    """The program's surroundings.

    Attributes:
        home: Directory for runs, parsed and downloaded data (`CONVSCOPE_HOME`).
        database_url: SQLAlchemy URL of the run store (`CONVSCOPE_DATABASE_URL`).
        files: Directory of the files of runs and of own data sets: `home`, or a folder that several machines share
            (`CONVSCOPE_FILES`); where that names an object store, what this machine keeps of it below `home`.
        files_url: fsspec URL of the object store (`CONVSCOPE_FILES`); empty where files lie in a folder.
        cache_mb: How much is kept here of what was read from the object store, in MB (`CONVSCOPE_CACHE_MB`).
        max_upload_mb: Largest accepted picture file, in MB (`CONVSCOPE_MAX_UPLOAD_MB`).
        max_archive_mb: Largest accepted zip of pictures, in MB (`CONVSCOPE_MAX_ARCHIVE_MB`).
        max_pixels: Largest accepted picture, in pixels (`CONVSCOPE_MAX_PIXELS`).
        engine: Who trains the runs of the app (`CONVSCOPE_ENGINE`): "local", processes of its own; "ray", workers that
            it lets Ray start and place; "none", workers that are started without an app.
        ray_address: Where the head of a Ray cluster listens, host:port (`CONVSCOPE_RAY_ADDRESS`); empty for one that
            the app starts on this machine.
        ray_gpus: How many graphics cards Ray reserves for a worker, or which part of one (`CONVSCOPE_RAY_GPUS`).
        slots: How many processes train at the same time, each several runs in turns (`CONVSCOPE_SLOTS`).
        threads: Threads of each training process (`CONVSCOPE_THREADS`).
        runs: How many runs have turns at most (`CONVSCOPE_RUNS`).
        memory_mb: What the training processes may take together, in MB (`CONVSCOPE_MEMORY_MB`).
        max_uploads: How many uploaded files the server holds for a visitor (`CONVSCOPE_MAX_UPLOADS`).
        max_visitor_mb: What these may take together, in MB (`CONVSCOPE_MAX_VISITOR_MB`).
        max_uploads_mb: What all visitors' uploads may take, in MB (`CONVSCOPE_MAX_UPLOADS_MB`).
        max_connections: How many connections the server holds at once (`CONVSCOPE_MAX_CONNECTIONS`).
        max_queued: How many runs may wait for a worker (`CONVSCOPE_MAX_QUEUED`).
        max_queued_each: How many of these may be of one person (`CONVSCOPE_MAX_QUEUED_EACH`).
        max_disk_mb: What runs, data sets and downloads may take, in MB (`CONVSCOPE_MAX_DISK_MB`); 0: all of the disk.
        frame_ancestors: Sites that may show the app in a frame of theirs (`CONVSCOPE_FRAME_ANCESTORS`).
    """

    home: Path
    database_url: str
    files: Path
    files_url: str
    cache_mb: int
    max_upload_mb: int
    max_archive_mb: int
    max_pixels: int
    engine: str
    ray_address: str
    ray_gpus: float
    slots: int
    threads: int
    runs: int
    memory_mb: int
    max_uploads: int
    max_visitor_mb: int
    max_uploads_mb: int
    max_connections: int
    max_queued: int
    max_queued_each: int
    max_disk_mb: int
    frame_ancestors: tuple[str, ...]

    def folder(self, *parts: str) -> Path:
        """Return a directory below `home`, made if missing; raises `StorageError` if it cannot be."""
        return _made(self.home, "CONVSCOPE_HOME", *parts)

    def files_folder(self, *parts: str) -> Path:
        """Return a directory below `files` in the same way."""
        return _made(self.files, "CONVSCOPE_HOME" if self.home in (self.files, *self.files.parents) else FILES, *parts)


def _made(base: Path, variable: str, *parts: str) -> Path:
    path = base.joinpath(*parts)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data directory {base} cannot be written ({error.strerror}): "
            f"set {variable} to a folder that you may write to and start again."
        ) from error
    return path


def _count(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise ConvScopeError(f"{name} must be a whole number of at least 1, not {text!r}.")
    return int(text)


def _sites(name: str) -> tuple[str, ...]:
    """Return the sites that a setting lists, with spaces between them; raises `ConvScopeError` for what is none."""
    sites = tuple(os.environ.get(name, "").split())
    for site in sites:
        if not re.fullmatch(r"https?://(\*\.)?[A-Za-z0-9.-]+(:([0-9]{1,5}|\*))?", site):
            raise ConvScopeError(f"{name} must list sites such as https://learn.school.example, not {site!r}.")
    return sites


def _share(name: str) -> float:
    text = os.environ.get(name, "") or "0"
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", text):
        raise ConvScopeError(f"{name} must be a number such as 0, 1 or 0.25, not {text!r}.")
    return float(text)


def _host_and_port(name: str) -> str:
    text = os.environ.get(name, "")
    if text and not re.fullmatch(r"[A-Za-z0-9._-]+:[0-9]{1,5}", text):
        raise ConvScopeError(f"{name} must be host and port of the head node, such as 10.0.0.5:6379, not {text!r}.")
    return text


def _engine() -> str:
    name = os.environ.get("CONVSCOPE_ENGINE", "") or ENGINES[0]
    if name not in ENGINES:
        raise ConvScopeError(f"CONVSCOPE_ENGINE must be {', '.join(ENGINES[:-1])} or {ENGINES[-1]}, not {name!r}.")
    return name


@lru_cache(maxsize=1)
def _machine_mb() -> int:
    """Return the memory of this machine in MB, or that of a small one where the system does not say."""
    try:
        return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20)
    except (AttributeError, ValueError, OSError):
        return 4096


@lru_cache(maxsize=8)
def _directory(text: str) -> Path:
    """Return a directory as an absolute path; raises `ConvScopeError` where there is no home to begin from."""
    try:
        return Path(text or Path.home() / ".convscope").expanduser().absolute()
    except (RuntimeError, OSError) as error:  # no HOME and no such user, or this folder was deleted
        raise ConvScopeError(
            f"The data directory cannot be found ({error}): set CONVSCOPE_HOME to the full path of a folder."
        ) from error


def files_url() -> str:
    """Return the URL of the object store that `CONVSCOPE_FILES` names; empty where it names a folder or nothing."""
    text = _files()
    return text if "://" in text else ""


def files_directory(url: str = "") -> Path:
    """Return `Settings.files`, or what this machine keeps of the object store at `url`.

    Raises:
        ConvScopeError: There is no home to begin from.
    """
    text = url or _files()
    if "://" in text:  # a folder for each store: the files of one are not those of another
        mark = hashlib.sha256(text.partition("?")[0].rstrip("/").encode()).hexdigest()[:12]
        return data_directory() / "object-store" / mark
    return _directory(text) if text else data_directory()


def _files() -> str:
    return os.environ.get(FILES, "").removeprefix("file://")


def absolute_url(url: str) -> str:
    """Return a database's URL that means the same in every process: a SQLite file is given its whole path.

    Workers are started in another folder, where a relative name would be another file.
    """
    scheme, slashes, file = url.partition(":///")
    name, question, options = file.partition("?")
    path = name.removeprefix("file:")  # SQLite's own kind of URL
    in_memory = path in ("", ":memory:") or "mode=memory" in options
    if not slashes or not scheme.startswith("sqlite") or in_memory or Path(path).is_absolute():
        return url
    try:
        here = quote(str(Path.cwd()))
    except OSError as error:  # this folder was deleted
        raise ConvScopeError(
            f"The database cannot be found ({error}): set CONVSCOPE_DATABASE_URL to the full path of its file."
        ) from error
    whole = f"{here}/{path}" if path == name else f"file:{quote(here)}/{path}"  # which SQLite reads once more
    return f"{scheme}:///{whole}{question}{options}"


def absolute_environment() -> dict[str, str]:
    """Return the environment for a process that starts in another folder: paths in it no longer depend on this one."""
    current = settings()
    files = {FILES: current.files_url or str(current.files)} if os.environ.get(FILES) else {}
    return os.environ | {"CONVSCOPE_HOME": str(current.home), "CONVSCOPE_DATABASE_URL": current.database_url} | files


def data_directory() -> Path:
    """Return the directory for runs and data that the environment asks for at this moment."""
    return _directory(os.environ.get("CONVSCOPE_HOME", ""))


def settings() -> Settings:
    """Return the settings that the environment asks for at this moment."""
    home = data_directory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    slots = _count("CONVSCOPE_SLOTS", max(1, cores // 4))
    archive_mb = _count("CONVSCOPE_MAX_ARCHIVE_MB", 1024)
    visitor_mb = _count("CONVSCOPE_MAX_VISITOR_MB", 2 * archive_mb)
    return Settings(
        home=home,
        database_url=absolute_url(
            os.environ.get("CONVSCOPE_DATABASE_URL", "") or f"sqlite:///{quote(str(home / 'runs.db'))}"
        ),
        files=files_directory(),
        files_url=files_url(),
        cache_mb=_count("CONVSCOPE_CACHE_MB", 4096),
        max_upload_mb=_count("CONVSCOPE_MAX_UPLOAD_MB", 30),
        max_archive_mb=archive_mb,
        max_pixels=_count("CONVSCOPE_MAX_PIXELS", 50_000_000),
        engine=_engine(),
        ray_address=_host_and_port("CONVSCOPE_RAY_ADDRESS"),
        ray_gpus=_share("CONVSCOPE_RAY_GPUS"),
        slots=slots,
        threads=_count("CONVSCOPE_THREADS", max(1, cores // slots)),
        runs=_count("CONVSCOPE_RUNS", 100),
        memory_mb=_count("CONVSCOPE_MEMORY_MB", max(1024, _machine_mb() // 2)),
        max_uploads=_count("CONVSCOPE_MAX_UPLOADS", 5000),
        max_visitor_mb=visitor_mb,
        max_uploads_mb=_count("CONVSCOPE_MAX_UPLOADS_MB", max(visitor_mb, _machine_mb() // 4)),
        max_connections=_count("CONVSCOPE_MAX_CONNECTIONS", 1000),
        max_queued=_count("CONVSCOPE_MAX_QUEUED", 1000),
        max_queued_each=_count("CONVSCOPE_MAX_QUEUED_EACH", 100),
        max_disk_mb=_count("CONVSCOPE_MAX_DISK_MB", 0),
        frame_ancestors=_sites("CONVSCOPE_FRAME_ANCESTORS"),
    )


def cannot_write(error: Exception) -> StorageError:
    """Return the sentence for a file that could not be written below the data directory."""
    home = settings().home
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
        return StorageError(f"The disk that holds {home} is full: free some space and try again.")
    return StorageError(
        f"The data directory {home} cannot be written ({error}): "
        "set CONVSCOPE_HOME to a folder that you may write to and start again."
    )
