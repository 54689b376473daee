"""Decoding on all cores by processes that may die: one for each core, each driven by a thread of its own."""

import errno
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from core.data.importing.decoder_worker import NOTE, ImageFormat
from core.data.importing.safezip import Member
from core.errors import StorageError
from core.progress import Progress
from core.settings import absolute_environment

ROOT = Path(__file__).resolve().parents[3]
MOST = 4  # processes, each with up to `decoding.MEMORY`
FEW = 64  # files for which starting another process takes longer than it saves
PATIENCE = 60.0  # seconds for one portion
MOST_DEATHS = 24  # of processes in a row: more than a few bad pictures explain
TICK = 0.1
_SURROUNDINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # Memory is kept between portions: asking the system for it each time costs a tenth of the time.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**27),
}
DEADLY = "It brought its decoder down."


class Portion(NamedTuple):
    """Files that are decoded in one go: the place of the first, and how many."""

    first: int
    number: int


class DecoderPool:
    """All processes that decode the files of one archive, each picture to its place in a file.

    Args:
        archive: Where it is.
        files: Which of its files, in the order of their places.
        look: What they are brought to.
        pixels: A file that is there already.
        begin: Where in it the pixels of the first picture go.

    Attributes:
        notes: A file beside that one, `NOTE` of each picture.
        reasons: Why some could not be decoded, by their place.
    """

    def __init__(self, archive: Path, files: Sequence[Member], look: ImageFormat, pixels: Path, begin: int) -> None:
        self.notes = pixels.with_name("notes")
        self.reasons: dict[int, str] = {}
        self._files = files
        self._task = {
            "archive": str(archive),
            "look": asdict(look),
            "pixels": str(pixels),
            "begin": begin,
            "notes": str(self.notes),
        }
        each = int(np.clip(2**21 // int(np.prod(look.shape)), 1, 256))
        self._todo: queue.SimpleQueue[Portion] = queue.SimpleQueue()
        for first in range(0, len(files), each):
            self._todo.put(Portion(first, min(each, len(files) - first)))
        self._done: queue.SimpleQueue[int | Exception] = queue.SimpleQueue()
        self._over = False
        self._deaths = 0  # in a row
        with pixels.open("r+b") as file:
            _reserve(file, begin + int(np.prod(look.shape)) * len(files))
        with self.notes.open("wb") as file:
            _reserve(file, NOTE.itemsize * len(files))

    def run(self, progress: Progress | None) -> None:
        """Decode everything; what `progress` raises ends it, and nothing runs on."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        wanted = max(1, min(cores, MOST, len(self._files) // FEW))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(wanted)]
        for thread in threads:
            thread.start()
        try:
            done = 0
            while done < len(self._files):
                with suppress(queue.Empty):
                    came = self._done.get(timeout=TICK)
                    if isinstance(came, Exception):
                        raise came
                    done += came
                if progress is not None:
                    progress(done, len(self._files))
        finally:
            self._over = True
            for thread in threads:
                thread.join()

    def _work(self) -> None:
        hand = None
        try:
            while not self._over:
                portion = self._todo.get_nowait()
                hand = hand or DecoderProcess(self._task, self._stopped)
                try:
                    pictures = hand.decode(self._files[portion.first :][: portion.number], portion.first, self._stopped)
                    self.reasons |= {portion.first + int(place): reason for place, reason in pictures.items()}
                    self._deaths = 0
                    self._done.put(portion.number)
                except DecoderDead:
                    hand.close()
                    hand = None
                    self._after_death(portion)
        except queue.Empty:
            pass
        except Exception as error:
            self._done.put(error)
        finally:
            if hand is not None:
                hand.close()

    def _stopped(self) -> bool:
        return self._over

    def _after_death(self, portion: Portion) -> None:
        """Try the files of a portion that took its process along one by one: only one of them is to blame."""
        self._deaths += 1
        if self._deaths > MOST_DEATHS and not self._over:
            raise StorageError(
                f"The process that decodes the pictures ended {self._deaths} times in a row: perhaps memory is short, "
                "so close other programs and try again."
            )
        if portion.number > 1:
            for place in range(portion.first, portion.first + portion.number):
                self._todo.put(Portion(place, 1))
        elif not self._over:
            self.reasons[portion.first] = DEADLY
            self._done.put(1)


def _reserve(file: IO[bytes], size: int) -> None:
    """Give a file its size, and room on the disk where the system can, so that a full disk is met before any work.

    Raises:
        OSError: The disk is full.
    """
    file.truncate(size)
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise  # others: the file system cannot do it


class DecoderDead(Exception):
    """The process is gone, or does not answer."""


class DecoderProcess:
    """One process that decodes files of an archive into places of a file.

    Args:
        task: What `decoder_worker` is told first: "archive", "look", "pixels", "begin" and "notes".
        stopped: Says whether nobody waits for it any more.
    """

    def __init__(self, task: dict[str, object], stopped: Callable[[], bool]) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.data.importing.decoder_worker"],
                cwd=ROOT,
                env={**absolute_environment(), **_SURROUNDINGS},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise StorageError(f"No process can be started to decode the pictures ({error}): try again.") from error
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        try:
            self._tell(task)
            self._answer(stopped)
        except DecoderDead as error:
            self.close()
            raise StorageError(
                "The process that decodes the pictures does not start: close other programs if memory is short, "
                "and try again."
            ) from error

    def _listen(self, lines: IO[str]) -> None:
        with suppress(ValueError, OSError):
            for line in lines:
                self._answers.put(line)
        self._answers.put("")

    def _tell(self, message: object) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise DecoderDead from error

    def decode(self, files: Sequence[Member], first: int, stopped: Callable[[], bool]) -> dict[str, str]:
        """Have files decoded into the places from `first` on; return why some could not be, or raise `DecoderDead`."""
        self._tell({"first": first, "members": files})
        answer = self._answer(stopped)
        if "error" in answer:
            raise OSError(answer["errno"], answer["error"])
        reasons: dict[str, str] = answer["reasons"]
        return reasons

    def _answer(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Return what the process says next; raises `DecoderDead`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not stopped():
            with suppress(queue.Empty):
                line = self._answers.get(timeout=TICK)
                if not line:
                    break
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise DecoderDead

    def close(self) -> None:
        """End the process; nothing of it is left."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
