"""The engine's handle on a worker process: start, order, messages, exit."""

import signal
import subprocess
import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from core.settings import settings
from core.train.child_process import start_child
from core.train.messages import Kind, Order, Release, Report, Watched

LISTEN_SECONDS = 1.0


class WorkerProcess:
    """A started `core.train.worker`, whose stdin is its lifeline; see `core.train.messages` for what is said.

    Args:
        folder: Where `worker.log` takes what it writes besides.

    Attributes:
        orders: What it was given and has not reported as left or failed, by number.
        begun: Whether it has ever begun a run.
        turn: Number of the order whose run had its turn last; None before the first.

    Raises:
        ConvScopeError: The settings are wrong, the log cannot be written or no process can be started.
    """

    def __init__(self, folder: Path) -> None:
        self._process = start_child(folder, "core.train.worker", "--orders", OMP_NUM_THREADS=str(settings().threads))
        self._input = cast(IO[bytes], self._process.stdin)
        self.orders: dict[int, Order] = {}
        self.begun = False
        self.turn: int | None = None
        self._watched: tuple[int, ...] = ()
        self._reports: deque[Report] = deque()
        self._last_words = ""
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

    def give(self, order: Order) -> None:
        """Send it a run; if it has died meanwhile, `alive` says so at the next look."""
        self.orders[order.number] = order
        self._send(order.to_line())

    def release(self, number: int) -> None:
        """Ask it to let go of a run that pauses; it reports the run as left."""
        self._send(Release(number).to_line())

    def watch(self, numbers: Collection[int]) -> None:
        """Tell it which of its runs somebody looks at, if those are others than at the last time."""
        watched = tuple(sorted(numbers))
        if watched != self._watched:
            self._watched = watched
            self._send(Watched(watched).to_line())

    def reports(self) -> Iterator[Report]:
        """Yield what it has reported since the last time, but for turns; again what was not dealt with to its end."""
        while self._reports:
            yield self._reports[0]
            self._reports.popleft()

    def last_words(self) -> str:
        """Return the last sentence it wrote, or nothing."""
        return self._last_words

    def manner(self) -> str:
        """Return how it ended, as a predicate: "ended with code 1"."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended with code {code}"
        name = signal.Signals(-code).name
        return f"was ended by {name}" + (" (often because memory ran out)" if name == "SIGKILL" else "")

    def end_input(self) -> None:
        """Close its stdin: it writes checkpoints and exits."""
        with suppress(OSError):
            self._input.close()

    def wait(self, seconds: float) -> None:
        """Wait for its exit, and kill it after that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, line: str) -> None:
        with suppress(OSError):
            self._input.write(line.encode())
            self._input.flush()

    def _listen(self, lines: IO[bytes]) -> None:
        with lines, suppress(OSError, ValueError):
            for line in lines:
                words = line.decode("utf-8", "replace").strip()
                report = Report.from_line(words)
                if report is None:
                    self._last_words = words
                elif report.kind is Kind.TURN:
                    self.turn = report.number
                else:
                    self.begun = self.begun or report.kind is Kind.BEGUN
                    self._reports.append(report)
