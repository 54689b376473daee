"""The engine: hands queued runs to workers that train them in turns, and outlives theirs. It does not import torch."""

import atexit
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from core.errors import ConvScopeError
from core.runs.housekeeping import clear, tidy
from core.runs.ownership import new_owner
from core.runs.records import INTERNAL, Status
from core.runs.store import RunStore
from core.settings import settings
from core.train.memory import MB, fits
from core.train.messages import Kind, Order
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
LEASE_SECONDS = 10.0  # the same across machines, between which messages are late or lost
SHOW_SECONDS = 3.0  # between two signs of life of a worker without an app
YIELDING_SECONDS = 2.0  # for which a run is left to workers that have less to do
SPARE_AFTER_SECONDS, MAX_SPARE_SECONDS = 6.0, 300.0
HINDERED_SECONDS = 2.0
CLOSING_SECONDS = 8.0

WATCHED_SECONDS = 5.0  # after a look: who watches a run looks several times in it
STARTS = 5  # of workers that were killed in a row before they began a run
DEATHS = 2  # of workers in the turn of a run that got no further, after which it is not tried again by itself

_SILENT = "Its worker no longer answers: the app or the machine was shut down. Press Resume to go on."
_log = logging.getLogger(__name__)


class _Hindrances:
    """Logs each cause that blocks the queue once, until the queue goes on: a disk may be full for hours."""

    def __init__(self) -> None:
        self._causes: dict[str, dict[str, None]] = {}

    def note(self, part: str, cause: str) -> None:
        """Log a cause that blocks a part of the engine."""
        causes = self._causes.setdefault(part, {})
        if cause not in causes:
            causes[cause] = None
            _log.warning("The queue waits: %s", cause)

    def latest(self) -> str:
        """Return the cause that was noted last and may still block the queue; empty where there is none."""
        return next((cause for causes in [*self._causes.values()][::-1] for cause in [*causes][::-1]), "")

    def over(self, part: str) -> None:
        """Note that a part of the engine works again."""
        if self._causes.pop(part, None) and not self._causes:
            _log.warning("The queue goes on.")


class Engine:
    """Runs the queue of one store in worker processes of this machine.

    A thread looks after the queue, so that it moves with no page open. Each worker trains many runs in turns; the
    queue is for those that do not fit into memory. While fewer than `slots` train, one more waits with torch loaded.
    When this process ends, however it ends, its workers notice, checkpoint and leave. When a worker dies, its runs go
    on in another one.

    Args:
        store: The runs.
        slots: How many workers train at the same time; by default that of the settings. With none it trains nothing,
            and looks after what others train.
        runs: How many runs have turns at most; by default that of the settings.
        present: Whether it tells others that it is there; by default where the store is a server's.
        clock: Returns seconds that never go back.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        slots: int | None = None,
        runs: int | None = None,
        present: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.slots, self.runs = settings().slots if slots is None else slots, runs or settings().runs
        self.owner = new_owner()
        self._shares = store.on_server if present is None else present
        self._clock = clock
        self._workers: list[WorkerProcess] = []
        self._numbers = itertools.count(1)
        self._looks: dict[str, float] = {}  # when somebody looked at a run last
        self._starts = 0  # of workers that were killed before they began a run, since the last one that did
        self._deaths: dict[str, tuple[int, int]] = {}  # by the run whose turn it was: of how many workers, at what step
        self._spare_after = SPARE_AFTER_SECONDS
        self._given = self._looked = self._failed = self._shown = float("-inf")
        self._yielding: tuple[str, float] | None = None  # to which run others are let first, and since when
        self._hindrances = _Hindrances()
        silent = LEASE_SECONDS if store.on_server else SILENT_SECONDS
        self._silence = HeartbeatMonitor(round(silent / LOOK_SECONDS))
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

    def watch(self, run_id: str) -> None:
        """Note that somebody looks at a run: for a while it gets more of the time of its person. It costs no write."""
        self._looks[run_id] = self._clock()

    def workers(self) -> dict[str, int]:
        """Return the process ids of the workers by run."""
        return {order.run: worker.pid for worker in self._workers.copy() for order in worker.orders.copy().values()}

    def hindrance(self) -> str:
        """Return why no run can be trained at the moment, as far as that is known; else nothing."""
        return self._hindrances.latest()

    def close(self) -> None:
        """End all workers: they checkpoint, mark their runs as interrupted and leave."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSING_SECONDS)
        for worker in self._workers:
            worker.end_input()
        deadline = time.monotonic() + CLOSING_SECONDS
        for worker in self._workers:
            worker.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ConvScopeError):  # those that could not say so themselves; if nor can we, the next engine will
            for run_id in self.workers():
                self.store.worker.give_back(run_id, self.owner)
            if self._shown > float("-inf"):
                self.store.presence.leave(self.owner)
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
            self._tell_watched()
            if self._clock() - self._looked > LOOK_SECONDS:
                self._looked = self._clock()
                self._check_workers()
        except (ConvScopeError, OSError) as error:
            self._hindrances.note("store", str(error))
            return False
        self._hindrances.over("store")
        return True

    def _tell_watched(self) -> None:
        """Tell the workers which of their runs somebody looks at."""
        for run_id, moment in self._looks.copy().items():
            if self._clock() - moment > WATCHED_SECONDS:
                self._looks.pop(run_id, None)
        for worker in self._workers:
            worker.watch([number for number, order in worker.orders.items() if order.run in self._looks])

    def _check_workers(self) -> None:
        """Renew this engine's heartbeats; give back runs without a worker, and end the leases of silent ones."""
        if self.slots and self._shares and self._clock() - self._shown > SHOW_SECONDS:
            self.store.presence.show(self.owner, self.slots, self.runs)
            self._shown = self._clock()
        own, heartbeats = self.store.worker.heartbeats(self.owner)
        for run_id in own - self.workers().keys():
            self.store.worker.give_back(run_id, self.owner)
        for run_id, heartbeat in self._silence.look(heartbeats).items():
            clear(self.store.folder / run_id)
            self.store.worker.lapse(run_id, heartbeat, _SILENT)

    def _reap(self) -> None:
        """Read what workers report, and part with those that have ended."""
        for worker in self._workers.copy():
            alive = worker.alive()  # first: once it is not, all that it said is there
            for report in worker.reports():
                order = worker.orders.get(report.number)
                if order is None:
                    continue
                if report.kind is Kind.BEGUN:
                    self._spare_after, self._starts = SPARE_AFTER_SECONDS, 0
                    self._hindrances.over("workers")
                    continue
                self._let_go(order, report.words)
                del worker.orders[report.number]
            if not alive:
                self._bury(worker)
                self._workers.remove(worker)

    def _let_go(self, order: Order, words: str = "") -> None:
        """Part with a run that a worker has left; with words, it could not train it, or not say how it ended."""
        clear(self.store.folder / order.run)
        self._deaths.pop(order.run, None)
        if words:
            self.store.worker.worker_died(order.run, words, owner=self.owner)
        else:  # it may have been resumed a moment later
            self.store.worker.give_back(order.run, self.owner)

    def _bury(self, worker: WorkerProcess) -> None:
        """Decide how the runs of an ended worker go on: in another one, unless none begins or one is to blame."""
        worker.end_input()
        how = worker.last_words() or f"Its worker {worker.manner()}: press Resume to go on from the last checkpoint."
        if not worker.orders and not (worker.begun and worker.returncode == 0):
            spare = f"A waiting worker {worker.manner()}: see worker.log."
            self._worker_failed(worker.last_words() or spare)
        self._starts += not worker.begun and (worker.returncode or 0) < 0
        helpless = not worker.begun and ((worker.returncode or 0) > 0 or self._starts >= STARTS)
        turn = worker.turn if worker.turn in worker.orders else None  # None: of any of them
        for number in sorted(worker.orders, key=lambda number: number == turn):  # if the store fails, the rest is left
            order = worker.orders[number]
            clear(self.store.folder / order.run)
            if helpless:
                self.store.worker.worker_died(order.run, how, owner=self.owner)
            elif worker.returncode == 0 or not worker.begun:
                self.store.worker.give_back(order.run, self.owner)
            else:
                self._survive(order.run, worker, its_turn=turn in (number, None))
            del worker.orders[number]

    def _survive(self, run_id: str, worker: WorkerProcess, *, its_turn: bool) -> None:
        """Queue a run whose worker has died, to go on from its checkpoint, unless it kills one worker after another.

        A run that gets further in each of them does not: another program may have taken the memory.
        """
        deaths, step = self._deaths.get(run_id, (0, -1))
        if its_turn:
            reached = sum(run.step for run in self.store.list(ids=[run_id]))  # 0 if it was deleted
            deaths, step = (1, reached) if reached > step else (deaths + 1, step)
        if deaths < DEATHS:
            self.store.worker.give_back(run_id, self.owner)
            self._deaths[run_id] = deaths, step
            return
        words = worker.last_words() or (
            f"Two workers in a row ended in its turns at the same place, this one {worker.manner()}: so that the other "
            "runs can go on, it waits until you press Resume. A smaller batch size or network needs less memory."
        )
        self.store.worker.record_end(run_id, self.owner, Status.INTERRUPTED, failure=INTERNAL, message=words)
        self._deaths.pop(run_id, None)

    def _hand_out(self) -> None:
        if not self.slots or self._clock() - self._failed < HINDERED_SECONDS:
            return  # not all that queue at once: what hinders may pass
        while (run_id := self.store.worker.first()) is not None and not self._leaves(run_id):
            present = run_id in self.workers()  # a paused run keeps its worker, which sees the new status itself
            worker = None if present else self._worker_for(run_id)
            if not present and worker is None:
                if len(self._workers) >= self.slots:
                    self._release_paused()
                    return  # it waits until a run ends
                try:
                    worker = WorkerProcess(self.store.folder)
                except ConvScopeError as error:
                    self._worker_failed(str(error))
                    if self.store.worker.claim(self.owner, self.runs, run_id):
                        self.store.worker.worker_died(run_id, str(error), owner=self.owner)
                    return
                self._workers.append(worker)
            if self.store.worker.claim(self.owner, self.runs, run_id) is None:
                return  # all that may run do, or another engine was faster
            if worker is not None:
                self._given = self._clock()
                number = next(self._numbers)
                worker.give(Order(number, run_id, self.owner, self.store.url, self.store.files.place))

    def _leaves(self, run_id: str) -> bool:
        """Return whether to leave a run, for a moment, to workers on other machines that have less to do."""
        if not self._shares or len(self.workers()) < self.slots:
            return False
        if self._yielding is None or self._yielding[0] != run_id:
            self._yielding = run_id, self._clock()
        if self._clock() - self._yielding[1] > YIELDING_SECONDS:
            return False
        own = len(self.workers()) / self.slots
        others = [worker for worker in self.store.presence.workers() if worker.owner != self.owner]
        return any(worker.runs / worker.slots < own and worker.runs < worker.room for worker in others)

    def _worker_for(self, run_id: str) -> WorkerProcess | None:
        """Return the worker that has the fewest runs and memory for this one too; a new one is better than a busy one.

        None asks for a new worker, if there may be one.
        """
        worker = min(self._workers, key=lambda worker: len(worker.orders), default=None)
        if worker is None or not worker.orders:
            return worker
        if len(self._workers) < self.slots:
            return None
        with suppress(ConvScopeError):  # of damaged records or settings the worker will say what is wrong
            limit = settings().memory_mb * MB // self.slots
            run, beside = self.store.get(run_id), self.store.list(ids=[order.run for order in worker.orders.values()])
            return worker if fits(run, beside, limit, worker.pid) else None
        return worker

    def _release_paused(self) -> None:
        """Ask for the memory of runs that pause: they go on from their checkpoints."""
        requests = self.store.worker.requests_of(self.workers().keys())
        for worker in self._workers:
            for number, order in worker.orders.items():
                if order.run in requests and requests[order.run].status is Status.PAUSED:
                    worker.release(number)

    def _keep_spare(self) -> None:
        # a new run has the cores first
        waits = any(not worker.orders for worker in self._workers)
        if not waits and len(self._workers) < self.slots and self._clock() - self._given > self._spare_after:
            self._given = self._clock()
            try:
                self._workers.append(WorkerProcess(self.store.folder))
            except ConvScopeError as error:
                self._worker_failed(str(error))

    def _worker_failed(self, cause: str) -> None:
        """Note why a worker ended before it had a run: the next one likely would, too, so each waits twice as long."""
        self._failed = self._clock()
        self._spare_after = min(2 * self._spare_after, MAX_SPARE_SECONDS)
        self._hindrances.note("workers", cause)
