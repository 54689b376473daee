"""Small views of pictures that have just arrived, decoded by processes that may die: nothing is opened in this one."""

import io
import queue
import threading
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.errors import ConvScopeError
from core.leftovers import unfinished

SIDE = 96  # pixels
MOST_FILES, MOST_BYTES = 48, 96 * 2**20  # that are decoded in one go
IDLE_SECONDS = 10.0
Done = Callable[[bytes, str], None]  # told the thumbnail, a JPEG file, or why there is none


class _Task(NamedTuple):
    file: Path
    size: int
    done: Done


class ThumbnailMaker:
    """Decodes whatever has arrived since it began with the last lot, in a thread that ends once nothing comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, file: Path, size: int, done: Done) -> None:
        """Have the thumbnail of a file made; `done` is told from another thread."""
        with self._lock:
            self._tasks.put(_Task(file, size, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="thumbnails", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while tasks := self._next():
            try:
                results = _decoded(tasks)
            except ConvScopeError as error:
                results = [(b"", str(error))] * len(tasks)
            except OSError as error:
                results = [(b"", f"It could not be opened here ({error.strerror}): try again.")] * len(tasks)
            for task, result in zip(tasks, results, strict=True):
                task.done(*result)

    def _next(self) -> list[_Task]:
        """Return what waits, at least one task; none where nothing has come for a while."""
        tasks: list[_Task] = []
        with suppress(queue.Empty):
            tasks.append(self._tasks.get(timeout=IDLE_SECONDS))
            while len(tasks) < MOST_FILES and sum(task.size for task in tasks) < MOST_BYTES:
                tasks.append(self._tasks.get_nowait())
        if not tasks:
            with self._lock:
                if self._tasks.empty():
                    self._thread = None
                    return []
            return self._next()
        return tasks


def _decoded(tasks: Sequence[_Task]) -> list[tuple[bytes, str]]:
    """Return the thumbnail of each file, or why there is none."""
    import numpy as np

    from core.data.importing.decoder_pool import DecoderPool
    from core.data.importing.decoder_worker import ImageFormat
    from core.data.importing.picture_archive import checked_members

    look = ImageFormat(SIDE)
    results = [(b"", "The file is gone.")] * len(tasks)
    with unfinished("convscope-") as folder:
        archive, pixels = folder / "arrived.zip", folder / "pixels"
        with zipfile.ZipFile(archive, "w") as file:
            for place, task in enumerate(tasks):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    file.write(task.file, str(place))
        members, skipped, _ = checked_members(archive)
        for left_out in skipped:
            results[int(left_out.name)] = (b"", f"It is {left_out.reason}.")
        if not members:
            return results
        pixels.touch()
        pool = DecoderPool(archive, members, look, pixels, 0)
        pool.run(None)
        rows = np.fromfile(pixels, np.uint8).reshape(len(members), *look.shape)
        for row, member in enumerate(members):
            reason = pool.reasons.get(row, "")
            results[int(member.name)] = (b"" if reason else _jpeg(rows[row].transpose(1, 2, 0)), reason)
    return results


def _jpeg(pixels: object) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=80)  # type: ignore[arg-type]
    return content.getvalue()
