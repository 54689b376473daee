"""The engine: hands queued runs to worker processes in order, and reports those that die. It does not import torch."""

import atexit
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress

from core.errors import ConvScopeError
from core.runs.housekeeping import clear, tidy
from core.runs.store import RunStore
from core.settings import settings
from core.train.worker_process import WorkerProcess


class HeartbeatMonitor:
    """Counts for how many looks in a row a heartbeat has not changed.

    Looks are counted, not seconds: whoever looks rarely, because the machine sleeps or is short of time, must expect
    the others to be as slow.

    Args:
        looks: After so many looks without a change, a heartbeat has stopped.
    """

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self._seen: dict[str, tuple[float, int]] = {}

    def look(self, heartbeats: Mapping[str, float]) -> dict[str, float]:
        """Compare the present heartbeats, by run id, with the last ones; return those that have stopped."""
        before, self._seen = self._seen, {}
        for run_id, heartbeat in heartbeats.items():
            previous, count = before.get(run_id, (None, 0))
            self._seen[run_id] = (heartbeat, count + 1 if heartbeat == previous else 0)
        return {run_id: heartbeat for run_id, (heartbeat, count) in self._seen.items() if count >= self.looks}


TICK_SECONDS = 0.25
LOOK_SECONDS = 0.5
SILENT_SECONDS = 3.5
SPARE_AFTER_SECONDS, MAX_SPARE_SECONDS = 6.0, 300.0
HINDERED_SECONDS = 2.0
CLOSING_SECONDS = 8.0

_SILENT = "Its worker no longer answers: the app or the machine was shut down. Press Resume to go on."
_CLOSED = "The app was closed while this run trained: press Resume to go on."
_log = logging.getLogger(__name__)


class _Hindrances:
    """Logs each cause that blocks the queue once, until the queue goes on: a disk may be full for hours."""

    def __init__(self) -> None:
        self._causes: dict[str, set[str]] = {}

    def note(self, part: str, cause: str) -> None:
        """Log a cause that blocks a part of the engine."""
        causes = self._causes.setdefault(part, set())
        if cause not in causes:
            causes.add(cause)
            _log.warning("The queue waits: %s", cause)

    def over(self, part: str) -> None:
        """Note that a part of the engine works again."""
        if self._causes.pop(part, None) and not self._causes:
            _log.warning("The queue goes on.")


class Engine:
    """Runs the queue of one store in worker processes of this machine.

    A thread looks after the queue, so that it moves with no page open. One worker always waits with torch loaded.
    When this process ends, however it ends, its workers notice, checkpoint and leave.

    Args:
        store: The runs.
        slots: How many train at the same time; by default that of the settings.
        clock: Returns seconds that never go back.
    """

    def __init__(
        self, store: RunStore, *, slots: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self.slots = slots or settings().slots
        self.owner = uuid.uuid4().hex
        self._clock = clock
        self._workers: dict[str, WorkerProcess] = {}
        self._spare: WorkerProcess | None = None
        self._spare_after = SPARE_AFTER_SECONDS
        self._given = self._looked = self._failed = float("-inf")
        self._hindrances = _Hindrances()
        self._silence = HeartbeatMonitor(round(SILENT_SECONDS / LOOK_SECONDS))
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="engine", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def submit(self, run_id: str) -> None:
        """Wake the engine for a run that was just created; raises `RunError` if there is none of this id."""
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
            worker.end_input()
        deadline = time.monotonic() + CLOSING_SECONDS
        for worker in workers:
            worker.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ConvScopeError):  # those that could not say so themselves; if nor can we, the next engine will
            for run_id in self._workers:
                self.store.worker.worker_died(run_id, _CLOSED, owner=self.owner)
        atexit.unregister(self.close)

    def _look_after(self) -> None:
        with suppress(ConvScopeError):  # wrong settings, of which the workers tell
            tidy(self.store)
        while not self._closing.is_set():
            if not self._look():
                self._closing.wait(HINDERED_SECONDS)
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()

    def _look(self) -> bool:
        """Check workers and queue once; return whether the store could be used."""
        try:
            self._reap()
            self._hand_out()
            self._keep_spare()
            if self._clock() - self._looked > LOOK_SECONDS:
                self._looked = self._clock()
                self._check_workers()
        except (ConvScopeError, OSError) as error:
            self._hindrances.note("store", str(error))
            return False
        self._hindrances.over("store")
        return True

    def _check_workers(self) -> None:
        """Renew this engine's heartbeats; give back runs without a worker, and report silent runs of others."""
        own, heartbeats = self.store.worker.heartbeats(self.owner)
        for run_id in own - self._workers.keys():
            self.store.worker.give_back(run_id, self.owner)
        for run_id, heartbeat in self._silence.look(heartbeats).items():
            clear(self.store.folder / run_id)
            self.store.worker.worker_died(run_id, _SILENT, heartbeat=heartbeat)

    def _reap(self) -> None:
        """Report the runs of workers that have ended: given back after exit code 0, else the worker has died."""
        for run_id, worker in list(self._workers.items()):
            alive = worker.alive()
            if worker.has_begun():
                self._spare_after = SPARE_AFTER_SECONDS
                self._hindrances.over("workers")
            if alive:
                continue
            worker.end_input()
            clear(self.store.folder / run_id)
            if worker.returncode == 0:  # it let go of the run, which may have been resumed a moment later
                self.store.worker.give_back(run_id, self.owner)
            else:
                how = f"Its worker {worker.manner()}: press Resume to go on from the last checkpoint."
                self.store.worker.worker_died(run_id, worker.last_words() or how, owner=self.owner)
            del self._workers[run_id]
        if self._spare is not None and not self._spare.alive():
            how = f"A waiting worker {self._spare.manner()}: see worker.log."
            self._worker_failed(self._spare.last_words() or how)
            self._spare.end_input()
            self._spare = None

    def _hand_out(self) -> None:
        if self._clock() - self._failed < HINDERED_SECONDS:
            return  # not all that queue at once: what hinders may pass
        while run_id := self.store.worker.claim(self.owner, self.slots):
            present = self._workers.get(run_id)  # a paused run keeps its worker, which sees the new status itself
            if present is not None and present.alive():
                continue
            try:
                worker = self._spare or WorkerProcess(self.store.folder)
            except ConvScopeError as error:
                self._worker_failed(str(error))
                self.store.worker.worker_died(run_id, str(error), owner=self.owner)
                return
            self._spare, self._given = None, self._clock()
            self._workers[run_id] = worker
            place = {"url": self.store.url, "folder": str(self.store.folder)}
            worker.give({"run": run_id, "owner": self.owner, **place})

    def _keep_spare(self) -> None:
        # a new run has the cores first
        if self._spare is None and self._clock() - self._given > self._spare_after:
            self._given = self._clock()
            try:
                self._spare = WorkerProcess(self.store.folder)
            except ConvScopeError as error:
                self._worker_failed(str(error))

    def _worker_failed(self, cause: str) -> None:
        """Note why a worker ended before it had a run: the next one likely would, too, so each waits twice as long."""
        self._failed = self._clock()
        self._spare_after = min(2 * self._spare_after, MAX_SPARE_SECONDS)
        self._hindrances.note("workers", cause)
