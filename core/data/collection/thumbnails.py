"""Small views of pictures that have just arrived, made one after another in a thread of its own."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.errors import ConvScopeError

IDLE_SECONDS = 300.0  # for which a process is kept: starting one takes longer than most pictures
MOST, MANY = 2, 3  # processes, and pictures that wait before there is one more
_CANNOT = "It could not be opened here ({}): try again."
Done = Callable[[bytes, str], None]  # told the thumbnail, a JPEG file, or why there is none


class _Task(NamedTuple):
    file: Path
    done: Done


class ThumbnailMaker:
    """Decodes what arrives, in a thread with a process of its own, or two; they end once nothing comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._threads = 0

    def ask(self, file: Path, done: Done) -> None:
        """Have the thumbnail of a file made; `done` is told from another thread."""
        with self._lock:
            self._tasks.put(_Task(file, done))
            if self._threads < MOST and (not self._threads or self._tasks.qsize() >= MANY):
                self._begin()

    def warm(self) -> None:
        """Get ready for pictures that will come soon."""
        with self._lock:
            if not self._threads:
                self._begin()

    def _begin(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name="thumbnails", daemon=True).start()

    def _work(self) -> None:
        from core.data.collection.thumbnail_decoder import ThumbnailDecoder  # not needed before a first visitor

        try:
            with ThumbnailDecoder() as decoder:
                with suppress(ConvScopeError):  # said of the first picture
                    decoder.start()
                while (task := self._next()) is not None:
                    try:
                        result = decoder.thumbnail(task.file)
                    except ConvScopeError as error:
                        result = b"", str(error)
                    except FileNotFoundError:
                        result = b"", "It was deleted meanwhile."
                    except (OSError, ValueError) as error:
                        result = b"", _CANNOT.format(error)
                    task.done(*result)
        except OSError as error:  # no room for the process's files: nothing waits for it in vain
            with self._lock:
                self._threads -= 1
                while not self._tasks.empty():
                    self._tasks.get().done(b"", _CANNOT.format(error))

    def _next(self) -> _Task | None:
        """Return what comes next; None where nothing has come for a while, and this thread is to end."""
        while True:
            try:
                return self._tasks.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return None
