"""The engine's handle on a worker process: start, order, messages, exit."""

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
        """Its exit code, or None while it runs."""
        return self._process.returncode

    def alive(self) -> bool:
        """Return whether the process runs; once it does not, all its output has been read."""
        if self._process.poll() is None:
            return True
        self._listener.join(LISTEN_SECONDS)
        return False

    def give(self, order: Mapping[str, str]) -> None:
        """Send it its run; if it has died meanwhile, `alive` says so at the next look."""
        with suppress(OSError):
            self._input.write(json.dumps(order).encode() + b"\n")
            self._input.flush()

    def has_begun(self) -> bool:
        """Return whether it has begun its run; true a single time."""
        news = not self._begun and BEGUN in self._said
        self._begun = self._begun or news
        return news

    def last_words(self) -> str:
        """Return the last sentence it wrote, or nothing."""
        return next((words for words in reversed(self._said) if words != BEGUN), "")

    def manner(self) -> str:
        """Return how it ended, as a predicate: "ended with code 1"."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended with code {code}"
        name = signal.Signals(-code).name
        return f"was ended by {name}" + (" (often because memory ran out)" if name == "SIGKILL" else "")

    def end_input(self) -> None:
        """Close its stdin: it writes a checkpoint and exits."""
        with suppress(OSError):
            self._input.close()

    def wait(self, seconds: float) -> None:
        """Wait for its exit, and kill it after that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self, lines: IO[bytes]) -> None:
        with lines, suppress(OSError, ValueError):
            for line in lines:
                self._said.append(line.decode("utf-8", "replace").strip())
