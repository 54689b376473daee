"""Small views of pictures that have just arrived, made one after another in a thread of its own."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.errors import ConvScopeError

IDLE_SECONDS = 300.0  # for which the process is kept: starting one takes longer than most pictures
Done = Callable[[bytes, str], None]  # told the thumbnail, a JPEG file, or why there is none


class _Task(NamedTuple):
    file: Path
    done: Done


class ThumbnailMaker:
    """Decodes what arrives, one picture after another, in a thread that ends once nothing comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, file: Path, done: Done) -> None:
        """Have the thumbnail of a file made; `done` is told from another thread."""
        with self._lock:
            self._tasks.put(_Task(file, done))
            self._begin()

    def warm(self) -> None:
        """Get ready for pictures that will come soon."""
        with self._lock:
            self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="thumbnails", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        from core.data.collection.thumbnail_decoder import ThumbnailDecoder  # not needed before a first visitor

        with ThumbnailDecoder() as decoder:
            with suppress(ConvScopeError):  # said of the first picture
                decoder.start()
            while True:
                try:
                    task = self._tasks.get(timeout=IDLE_SECONDS)
                except queue.Empty:
                    with self._lock:
                        if self._tasks.empty():
                            self._thread = None
                            return
                    continue
                try:
                    result = decoder.thumbnail(task.file)
                except ConvScopeError as error:
                    result = b"", str(error)
                except FileNotFoundError:
                    result = b"", "It was deleted meanwhile."
                except OSError as error:
                    result = b"", f"It could not be opened here ({error.strerror}): try again."
                task.done(*result)
