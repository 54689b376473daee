"""The engine: hands queued runs to worker processes, in order, and notices when one dies. It needs no torch itself."""

import atexit
import json
import logging
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from core.errors import ConvScopeError
from core.runs.housekeeping import clear, tidy
from core.runs.store import RunStore
from core.settings import absolute_environment, settings
from core.train.silence import Silence

TICK_SECONDS = 0.25
LOOK_SECONDS = 0.5
SILENT_SECONDS = 3.5
SPARE_AFTER_SECONDS, MAX_SPARE_SECONDS = 6.0, 300.0
CLOSING_SECONDS = 8.0

_ROOT = Path(__file__).resolve().parents[2]
_SILENT = "Its worker no longer answers: the app or the machine was shut down. Press Resume to go on."
_CLOSED = "The app was closed while this run trained: press Resume to go on."
_log = logging.getLogger(__name__)


class Engine:
    """Runs the queue of one store in worker processes of this machine.

    A thread looks after the queue, so that it moves with no page open. One worker always waits with torch loaded.
    When this process ends, however it ends, its workers notice, checkpoint and leave.

    Args:
        store: The runs.
        slots: How many train at the same time; by default that of the settings.
    """

    def __init__(self, store: RunStore, *, slots: int | None = None) -> None:
        self.store = store
        self.slots = slots or settings().slots
        self.owner = uuid.uuid4().hex
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._spare: subprocess.Popen[bytes] | None = None
        self._given, self._spare_after = 0.0, 0.0
        self._trouble = ""
        self._silence = Silence(round(SILENT_SECONDS / LOOK_SECONDS))
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="engine", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def submit(self, run_id: str) -> None:
        """See to a run that was just created; raises `RunError` if there is none of this id."""
        self.store.get(run_id)
        self._wake.set()

    def request(self, run_id: str, what: str) -> None:
        """Ask a run to "pause", "resume", "stop" or do one "step", now; raises `RunError` as the store does."""
        self.store.request(run_id, what)
        self._wake.set()

    def stop(self, run_id: str) -> None:
        """Stop a run; its weights are kept."""
        self.request(run_id, "stop")

    def workers(self) -> dict[str, int]:
        """Return the process ids of the workers by run."""
        return {run_id: worker.pid for run_id, worker in dict(self._workers).items()}

    def close(self) -> None:
        """End all workers: they checkpoint, mark their runs as interrupted and leave."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSING_SECONDS)
        workers = [*self._workers.values(), *([self._spare] if self._spare else [])]
        for worker in workers:
            _end_input(worker)
        deadline = time.monotonic() + CLOSING_SECONDS
        for worker in workers:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        with suppress(ConvScopeError):  # those that could not say so themselves; if nor can we, the next engine will
            for run_id in self._workers:
                self.store.interrupt(run_id, _CLOSED, owner=self.owner)
        atexit.unregister(self.close)

    def _look_after(self) -> None:
        looked = 0.0
        tidy(self.store)
        while not self._closing.is_set():
            try:
                self._reap()
                self._hand_out()
                self._keep_spare()
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    self._listen()
                self._tell("")
            except (ConvScopeError, OSError) as error:
                self._tell(str(error))
                self._closing.wait(2.0)
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()

    def _tell(self, trouble: str) -> None:
        """Log why the queue waits, and that it goes on, once each: a disk may be full for hours."""
        if trouble != self._trouble:
            if trouble:
                _log.warning("The queue waits: %s", trouble)
            else:
                _log.warning("The queue goes on.")
            self._trouble = trouble

    def _listen(self) -> None:
        """Show life for the runs of this engine, and find those whose worker is gone."""
        own, heartbeats = self.store.pulses(self.owner)
        for run_id in own - self._workers.keys():
            self.store.put_back(run_id, self.owner)
        for run_id, heartbeat in self._silence.look(heartbeats).items():
            clear(self.store.folder / run_id)
            self.store.interrupt(run_id, _SILENT, heartbeat=heartbeat)

    def _reap(self) -> None:
        for run_id, worker in list(self._workers.items()):
            if worker.poll() is None:
                continue
            _end_input(worker)
            clear(self.store.folder / run_id)
            if worker.returncode == 0:  # it let go of the run, which may have been resumed a moment later
                self.store.put_back(run_id, self.owner)
            else:
                self.store.interrupt(run_id, _cause(worker.returncode), owner=self.owner)
            del self._workers[run_id]

    def _hand_out(self) -> None:
        while run_id := self.store.claim(self.owner, self.slots):
            held = self._workers.get(run_id)  # a paused run keeps its worker, which sees the new status itself
            if held is not None and held.poll() is None:
                continue
            try:
                worker = self._spare if self._spare and self._spare.poll() is None else _start()
            except OSError as error:
                words = f"No worker could be started ({error.strerror}): make room on this machine and press Resume."
                self.store.interrupt(run_id, words, owner=self.owner)
                raise
            if worker is self._spare:
                self._spare_after = 0.0  # one that waited well
            self._spare, self._given = None, time.monotonic()
            self._workers[run_id] = worker
            order = json.dumps({"run": run_id, "owner": self.owner, "url": self.store.url}) + "\n"
            assert worker.stdin is not None
            try:
                worker.stdin.write(order.encode())
                worker.stdin.flush()
            except OSError:
                continue  # it died; the next look finds out

    def _keep_spare(self) -> None:
        if self._spare is not None and self._spare.poll() is not None:
            # it ended before it was given a run: the next one likely would, too, so each waits twice as long
            self._spare_after = min(2 * max(self._spare_after, SPARE_AFTER_SECONDS), MAX_SPARE_SECONDS)
            _log.warning("A waiting worker ended with code %s: see worker.log.", self._spare.returncode)
            _end_input(self._spare)
            self._spare = None
        # a new run has the cores first
        if self._spare is None and time.monotonic() - self._given > max(self._spare_after, SPARE_AFTER_SECONDS):
            self._given = time.monotonic()
            self._spare = _start()


def _start() -> subprocess.Popen[bytes]:
    surroundings = {
        "GOMP_SPINCOUNT": "10000",  # threads that wait long for each other train ten times slower on a busy machine
        **absolute_environment(),
        "OMP_NUM_THREADS": str(settings().threads),
        "PYTHONPATH": str(_ROOT),
    }
    with (settings().folder("runs") / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "core.train.worker"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=surroundings,
        )


def _cause(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (often because memory ran out)" if name == "SIGKILL" else ""
        return f"Its worker was ended by {name}{hint}: press Resume to go on from the last checkpoint."
    return f"Its worker ended with code {code}: press Resume to go on from the last checkpoint."


def _end_input(worker: subprocess.Popen[bytes]) -> None:
    if worker.stdin is not None:
        try:
            worker.stdin.close()
        except OSError:
            return
