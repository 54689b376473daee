"""The thread that sends files of runs to the object store, in order, again and again until it takes them."""

import itertools
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.errors import ConvScopeError, StorageError
from core.file_cache import FileCache
from core.leftovers import writing_in
from core.object_store import Fault, ObjectStore, ObjectStoreError

AGAIN_SECONDS, LONGEST_SECONDS = 0.5, 15.0  # between two tries
TROUBLE = {
    fault: f"Its newest files are only on the computer that trained it, as to the store of files {fault.value}. "
    "They follow by themselves."
    for fault in Fault
}


class Uploads:
    """Files of runs that wait to be sent, in the order in which they were written.

    A file that is written again meanwhile is sent once, as the newest. What was sent is kept in the cache of this
    machine and leaves the run's folder.

    Args:
        store: Where they go.
        cache: What is kept of it here.
        folder: Where the folder of each run is.

    Attributes:
        allowed: Asked before each is sent, with the run and the owner in whose name it was written: whether that owner
            still has the run; if not, the file is dropped.
        told: Told of a run one of the sentences of `TROUBLE` when it begins, and "" when all was sent.
    """

    def __init__(self, store: ObjectStore, cache: FileCache, folder: Path) -> None:
        self._store, self._cache, self._folder = store, cache, folder
        self.allowed: Callable[[str, str], bool] = lambda run_id, by: True
        self.told: Callable[[str, str], None] = lambda run_id, sentence: None
        self._waiting: dict[tuple[str, str], tuple[str, int]] = {}  # owner and number, by run and name, oldest first
        self._numbers = itertools.count()
        self._pause = threading.Event()  # never set
        self._trouble: dict[str, str] = {}
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, run_id: str, name: str, by: str) -> None:
        """Let a file be sent after all others; `by` is the owner in whose name it was written, "" for nobody's."""
        with self._news:
            self._waiting.pop((run_id, name), None)
            self._waiting[run_id, name] = by, next(self._numbers)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
                self._thread.start()
            self._news.notify()

    def waiting(self, run_id: str) -> bool:
        """Return whether files of a run are still to be sent."""
        with self._news:
            return any(run == run_id for run, _ in self._waiting)

    def trouble(self, run_id: str) -> str:
        """Return the sentence of `TROUBLE` that holds for a run, or nothing."""
        return self._trouble.get(run_id, "")

    def send(self, run_id: str, name: str) -> None:
        """Send a file now, as it is at this moment; raises `StorageError`. One that is gone is passed over."""
        path = self._folder / run_id / name
        whole = path.with_name(f".tmp-{os.getpid()}-{threading.get_ident()}-{name}")
        with writing_in(path.parent):
            try:
                sent = _same(path, whole)
                stored = self._store.upload(whole, f"runs/{run_id}/{name}")
                if path.suffix != ".log":  # which is written on
                    _take_away(path, sent)
                self._cache.adopt(whole, f"runs/{run_id}/{name}", stored)
            except FileNotFoundError:
                return
            except OSError as error:
                raise StorageError(f"A file of the run cannot be read ({error}).") from error
            finally:
                whole.unlink(missing_ok=True)

    def _work(self) -> None:
        wait = AGAIN_SECONDS
        while True:
            with self._news:
                while not self._waiting:
                    self._news.wait()
                (run_id, name), (by, number) = next(iter(self._waiting.items()))
            try:
                if not by or self.allowed(run_id, by):
                    self.send(run_id, name)
                else:  # the run was deleted or went on elsewhere
                    (self._folder / run_id / name).unlink(missing_ok=True)
                self._done(run_id, name, number)
                wait = AGAIN_SECONDS
                continue
            except ObjectStoreError as error:
                self._say(run_id, TROUBLE[error.fault])
            except (ConvScopeError, OSError):  # the database, or the disk here
                pass
            self._pause.wait(wait)
            wait = min(2 * wait, LONGEST_SECONDS)

    def _done(self, run_id: str, name: str, number: int) -> None:
        with self._news:
            if self._waiting.get((run_id, name), ("", 0))[1] == number:  # not written again meanwhile
                del self._waiting[run_id, name]
        if not self.waiting(run_id):
            self._say(run_id, "")

    def _say(self, run_id: str, sentence: str) -> None:
        if self._trouble.get(run_id, "") == sentence:
            return
        self._trouble[run_id] = sentence
        if not sentence:
            del self._trouble[run_id]
        with suppress(ConvScopeError):
            self.told(run_id, sentence)


def _same(path: Path, other: Path) -> tuple[int, int]:
    """Make another name for a file, or a copy where the disk knows no links; return which file it was."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        try:
            os.link(path, other)
            status = other.stat()
        except OSError:
            with other.open("wb") as copy:
                shutil.copyfileobj(file, copy)
    return status.st_dev, status.st_ino


def _take_away(path: Path, sent: tuple[int, int]) -> None:
    """Remove a file that was sent; one that took its name meanwhile stays, whenever it does."""
    aside = path.with_name(f".tmp-gone-{os.getpid()}-{threading.get_ident()}-{path.name}")
    with suppress(OSError):
        path.rename(aside)
        status = aside.stat()
        if (status.st_dev, status.st_ino) != sent:
            with suppress(FileExistsError):  # there is one that is newer still
                os.link(aside, path)
        aside.unlink()
