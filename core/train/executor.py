"""Trains the runs of a worker in turns on one thread; what they have in common, the images above all, is there once."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from core.data.arrays import stored_at
from core.data.datasets import Dataset
from core.errors import ConvScopeError, RunError
from core.runs.records import STORAGE, Run, Status
from core.runs.store import RunStore
from core.settings import cannot_write
from core.train.heartbeat import Heartbeat
from core.train.messages import Kind, Order, Report, sentence_of
from core.train.process_tuning import release_memory
from core.train.retry import attempts
from core.train.runner import Runner, load_images
from core.train.scheduler import Scheduler
from core.train.turns import Turns, in_thread

SLICE_SECONDS = 0.4  # no longer than `recorder.FLUSH_SECONDS`: a turn that ends is recorded, once
LOOK_SECONDS = 0.15  # between two looks at what is asked of all runs
POLL_SECONDS = 10.0  # runs need not look themselves: whose requests are new gets a turn, and that begins with a look
IDLE_SECONDS = 1.0
RELEASE_SECONDS = 5.0  # between two releases of memory, which take a while: runs may end one after another
LEAVE_SECONDS = 0.02


@dataclass(eq=False)
class _Arrival:
    """An order that is being admitted: its turns so far, and the moment up to which it has nothing to do."""

    turns: Turns[None]
    due: float = 0.0


@dataclass(eq=False)
class _Training:
    """A run of the worker: its turns so far, and the moment up to which it has nothing to do."""

    order: Order
    runner: Runner
    turns: Turns[Status]
    due: float = 0.0
    dataset: Dataset | None = None  # keeps it among those that are shared


class Executor:
    """The runs of a worker.

    Args:
        report: Takes what the engine is to know of each.
        direct: Directs all that is printed into a file, or for None into the worker's own log; may raise OSError.
        leaving: Asked often; once it is true the runs are to be left, see `leave`.
        arriving: Asked after each step: whether another order waits to be admitted.
    """

    def __init__(
        self,
        report: Callable[[Report], None],
        direct: Callable[[Path | None], None],
        leaving: Callable[[], bool],
        arriving: Callable[[], bool],
    ) -> None:
        self._report, self._direct, self._leaving, self._arriving = report, direct, leaving, arriving
        self._stores: dict[tuple[str, str], RunStore] = {}
        self._watched: frozenset[int] = frozenset()  # numbers of orders
        self._arrivals: list[_Arrival] = []
        self._trainings: dict[str, _Training] = {}
        self._scheduler = Scheduler()
        # Runs of which something is asked, in the order in which that was seen, and from when on it can be answered:
        self._asked: dict[str, float] = {}
        self._datasets: WeakValueDictionary[tuple[str, int, int], Dataset] = WeakValueDictionary()
        self._loading: set[tuple[str, int]] = set()
        self._current: str | None = None
        self._looking: Turns[None] | None = None
        self._looked = self._until = self._released = 0.0
        self._new = False  # whether the run whose turn it is had not made a step before
        self._left = False  # whether there is memory to release
        self.heartbeat = Heartbeat(self._living)

    def admit(self, order: Order) -> None:
        """Take a run among those that have turns, now or in the next ones, or report why that cannot be."""
        self._arrivals.append(_Arrival(self._admission(order)))
        self._welcome()

    def _welcome(self) -> None:
        """Go on with the orders that are being admitted."""
        for arrival in self._arrivals.copy():
            if arrival.due <= time.monotonic():
                try:
                    arrival.due = next(arrival.turns)
                except StopIteration:
                    self._arrivals.remove(arrival)

    def _admission(self, order: Order) -> Turns[None]:
        try:
            store = self._store(order)
            requests = yield from attempts(lambda: store.worker.requests(order.run))
            folder = store.workspace(order.run)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._direct(folder / "worker.log")
                self._direct(None)
            except OSError as error:
                end, message = (order.run, order.owner, Status.INTERRUPTED), str(cannot_write(error))
                yield from attempts(lambda: store.worker.record_end(*end, failure=STORAGE, message=message))
                self._report(Report(Kind.LEFT, order.number))
                return
        except RunError:  # deleted
            self._report(Report(Kind.LEFT, order.number))
            return
        except Exception as error:
            self._report(Report(Kind.FAILED, order.number, sentence_of(error)))
            return
        runner = Runner(
            store,
            order.run,
            order.owner,
            leaving=self._leaving,
            load=lambda run: self._images(order.run, run),
            poll_seconds=POLL_SECONDS,
        )
        self._trainings[order.run] = _Training(order, runner, runner.turns(self._over))
        self._scheduler.add(order.run, requests.person)
        self.watch(self._watched)
        self._report(Report(Kind.BEGUN, order.number))

    def release(self, number: int) -> None:
        """Let go of a run that pauses: it is on the disk, and others need the memory."""
        for run, training in self._trainings.copy().items():
            seen = training.runner.seen
            if training.order.number == number and seen is not None and seen.status is Status.PAUSED:
                training.turns.close()
                self._let_go(run, Report(Kind.LEFT, number))

    def watch(self, numbers: Iterable[int]) -> None:
        """Give those runs more of the time that somebody looks at; all others have equal shares again."""
        self._watched = frozenset(numbers)
        self._scheduler.watch(
            run for run, training in self._trainings.items() if training.order.number in self._watched
        )

    def turn(self) -> float:
        """Give one run its turn; return for how many seconds nobody will have anything to do."""
        self._welcome()
        self._release()
        if not self._trainings:
            return LOOK_SECONDS if self._arrivals else IDLE_SECONDS
        self._look()
        now = time.monotonic()
        ready = [run for run, training in self._trainings.items() if training.due <= now]
        asked = self._answerable(now)
        alone = len(ready) == 1 and asked is None
        run = asked or self._scheduler.next(ready)
        if run is None:
            waits = min(training.due for training in self._trainings.values()) - now
            return max(0.0, min(waits, LOOK_SECONDS))
        # One step answers what is asked of a run, and shows that a new one trains: then it is the others' turn.
        self._advance(run, 0.0 if asked is not None and not alone else SLICE_SECONDS)
        return 0.0

    def leave(self) -> None:
        """End all runs: they are checkpointed and marked as interrupted; `leaving` is true by now."""
        while self._trainings:
            for run in (*self._trainings,):
                self._advance(run, 0.0)
            if all(training.due > time.monotonic() for training in self._trainings.values()):
                time.sleep(LEAVE_SECONDS)
        for store in self._stores.values():
            store.close()

    def _store(self, order: Order) -> RunStore:
        place = (order.url, order.folder)
        if place not in self._stores:
            self._stores[place] = RunStore(order.url, order.folder)
        return self._stores[place]

    def _images(self, run_id: str, run: Run) -> Turns[Dataset]:
        """Return the images of a run: those that another run has in memory, if they are the same.

        They are loaded in a thread, so that the others go on; who wants the same at that time waits for them.
        """
        name, limit = run.dataset, int(run.config.get("train_images", 0))
        while (name, limit) in self._loading:
            yield time.monotonic() + LOOK_SECONDS
        dataset = self._datasets.get((name, limit, stored_at(name)))
        if dataset is None:
            self._loading.add((name, limit))
            try:
                dataset = yield from in_thread(lambda: load_images(run))
            finally:
                self._loading.remove((name, limit))
            self._datasets[name, limit, stored_at(name)] = dataset  # it may have been made just now
        self._trainings[run_id].dataset = dataset
        return dataset

    def _living(self) -> dict[tuple[RunStore, str], list[str]]:
        living: dict[tuple[RunStore, str], list[str]] = {}
        for run, training in self._trainings.copy().items():
            living.setdefault((training.runner.store, training.order.owner), []).append(run)
        return living

    def _advance(self, run: str, seconds: float) -> None:
        """Let a run go on for about so many seconds, at least for one step."""
        training = self._trainings[run]
        if self._current != run:
            self._report(Report(Kind.TURN, training.order.number))
        self._current = run
        self._asked.pop(run, None)
        with suppress(OSError):
            self._direct(training.runner.store.workspace(run) / "worker.log")
        began, self._new = time.monotonic(), not training.runner.stepped
        self._until = began + seconds
        try:
            training.due = next(training.turns)
            self._scheduler.charge(run, time.monotonic() - began)
            if self._shown(training):
                self._scheduler.begun(run)
            if training.runner.answering:
                self._asked[run] = training.due  # who asked is not to wait until all others have had their turns
        except StopIteration:
            self._let_go(run, Report(Kind.LEFT, training.order.number))
        except Exception as error:
            self._let_go(run, Report(Kind.FAILED, training.order.number, sentence_of(error)))
        with suppress(OSError):
            self._direct(None)

    def _let_go(self, run: str, report: Report) -> None:
        del self._trainings[run]
        self._scheduler.remove(run)
        self._asked.pop(run, None)
        self._left = True
        if not self._trainings:
            self._release()
        self._report(report)

    def _release(self) -> None:
        """Return the memory of runs that have left, all at once where many leave."""
        now = time.monotonic()
        if self._left and (not self._trainings or now - self._released > RELEASE_SECONDS):
            self._left, self._released = False, now
            release_memory()

    def _over(self) -> bool:
        """Return whether the turn of the current run is over."""
        training = self._trainings[self._current or ""]
        if time.monotonic() >= self._until or self._arriving() or self._leaving() or self._shown(training):
            return True
        self._look()
        return self._answerable(time.monotonic()) is not None

    def _answerable(self, now: float) -> str | None:
        """Return the first run of which something is asked that it can go on to answer."""
        return next((run for run, due in self._asked.items() if due <= now), None)

    def _shown(self, training: _Training) -> bool:
        """Return whether a run has made its first step in this turn."""
        return self._new and training.runner.stepped

    def _look(self) -> None:
        """Find the runs of which something is asked that they have not seen yet."""
        if self._looking is None:
            now = time.monotonic()
            if now - self._looked < LOOK_SECONDS:
                return
            self._looked, self._looking = now, self._inquiry()
        with suppress(StopIteration):
            next(self._looking)
            return
        self._looking = None

    def _inquiry(self) -> Turns[None]:
        for (store, _), runs in self._living().items():
            with suppress(ConvScopeError):
                requests = yield from in_thread(partial(store.worker.requests_of, runs))
                for run in self._trainings.keys() & runs:
                    seen = self._trainings[run].runner.seen
                    if seen is not None and (run not in requests or requests[run].ask_more_than(seen)):
                        self._asked[run] = 0.0
