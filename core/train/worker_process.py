"""A worker as its engine sees it: a process that is given one run and says what keeps it from training it."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from core.errors import StorageError
from core.settings import absolute_environment, cannot_write, settings

BEGUN = "begun"  # what a worker says once nothing keeps it from training its run
LISTEN_SECONDS = 1.0

_ROOT = Path(__file__).resolve().parents[2]


class WorkerProcess:
    """A started `core.train.worker`, whose stdin is its lifeline and whose stdout carries `BEGUN` or one sentence.

    Args:
        folder: Where `worker.log` takes what it writes besides.

    Raises:
        ConvScopeError: The settings are wrong, the log cannot be written or no process can be started.
    """

    def __init__(self, folder: Path) -> None:
        surroundings = {
            "GOMP_SPINCOUNT": "10000",  # threads that wait long for each other train ten times slower on a busy machine
            **absolute_environment(),
            "OMP_NUM_THREADS": str(settings().threads),
            "PYTHONPATH": str(_ROOT),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log = (folder / "worker.log").open("ab")
        except OSError as error:
            raise cannot_write(error) from error
        command = [sys.executable, "-m", "core.train.worker"]
        pipe = subprocess.PIPE
        try:
            with log:
                self._process = subprocess.Popen(
                    command, cwd=_ROOT, stdin=pipe, stdout=pipe, stderr=log, env=surroundings
                )
        except OSError as error:
            raise StorageError(
                f"No worker could be started ({error.strerror}): make room on this machine and press Resume."
            ) from error
        self._input = cast(IO[bytes], self._process.stdin)
        self._said: list[str] = []
        self._begun = False
        lines = cast(IO[bytes], self._process.stdout)
        self._listener = threading.Thread(target=self._listen, args=(lines,), name="worker", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, or None while it lives."""
        return self._process.returncode

    def alive(self) -> bool:
        """Say whether it lives; once it does not, all that it said has been heard."""
        if self._process.poll() is None:
            return True
        self._listener.join(LISTEN_SECONDS)
        return False

    def give(self, order: Mapping[str, str]) -> None:
        """Hand it its run; whether it has died meanwhile is found out at the next look."""
        with suppress(OSError):
            self._input.write(json.dumps(order).encode() + b"\n")
            self._input.flush()

    def has_begun(self) -> bool:
        """Say, a single time, that it has begun its run."""
        news = not self._begun and BEGUN in self._said
        self._begun = self._begun or news
        return news

    def last_words(self) -> str:
        """Return the sentence it ended with, or nothing if it had no time for one."""
        return next((words for words in reversed(self._said) if words != BEGUN), "")

    def manner(self) -> str:
        """Return how it ended, in words that follow a subject."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended with code {code}"
        name = signal.Signals(-code).name
        return f"was ended by {name}" + (" (often because memory ran out)" if name == "SIGKILL" else "")

    def end_input(self) -> None:
        """Cut its lifeline: it checkpoints and leaves."""
        with suppress(OSError):
            self._input.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and end it if that takes longer."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self, lines: IO[bytes]) -> None:
        with lines, suppress(OSError, ValueError):
            for line in lines:
                self._said.append(line.decode("utf-8", "replace").strip())
