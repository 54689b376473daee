"""Work in threads of its own, shared by all who ask for the same: who watches it, how far it is, what came of it."""

import logging
import os
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime import RuntimeState

from core.errors import ConvScopeError
from core.progress import Progress

PATIENCE = 120.0  # seconds: a watcher who has not looked for so long has left
LONG_SECONDS = 10.0
KEPT, KEPT_BYTES = 128, 512 * 2**20  # results kept for later visits: at most so many, of so many bytes together
_STOPPING = (RuntimeState.STOPPING, RuntimeState.STOPPED)
_log = logging.getLogger(__name__)


class Lane(Enum):
    """What waits behind what: each lane has threads of its own, so that none makes another wait."""

    SHORT = "short"
    LONG = "long"
    DOWNLOAD = "download"  # waits for the network and leaves the cores alone
    MEASUREMENT = "measurement"  # one at a time: two would measure each other


def lane_of(seconds: float) -> Lane:
    """Return the lane of work that takes about so long."""
    return Lane.LONG if seconds > LONG_SECONDS else Lane.SHORT


def threads_of(lane: Lane) -> int:
    """Return how many jobs of a lane run at once: about half of the cores are for pages and trainings."""
    cores = os.cpu_count() or 1
    return {Lane.SHORT: max(2, cores // 2), Lane.LONG: max(1, cores // 4), Lane.DOWNLOAD: 4, Lane.MEASUREMENT: 1}[lane]


class Cancelled(BaseException):
    """Nobody wants this work any more; not an `Exception`, so that no work takes it for a mishap of its own."""


@dataclass(eq=False)
class Job:
    """One piece of work and who watches it.

    Attributes:
        work: What is done; it tells its progress (done, total). None once it is over, whatever came of it.
        lasting: Whether it goes on with nobody watching, until the last one who watched cancels it.
        result: What comes out; None where the work failed.
        failure: Why the work failed, one sentence; empty unless it did. The exception itself is not kept: its
            traceback would keep all that the work held in memory.
        ended: Whether the work was ended because nobody waited for it any more.
        partial: Whether the result holds an error in the place of one of its parts.
        done, total: How far it is.
        started: When its turn came (`time.monotonic`); None while it waits.
        watchers: When each session last looked.
        size: About how many bytes the result takes.
    """

    work: Callable[[Progress], Any] | None
    lasting: bool = False
    result: "Future[Any]" = field(default_factory=Future)
    failure: str = ""
    ended: bool = False
    partial: bool = False
    done: int = 0
    total: int = 0
    started: float | None = None
    watchers: dict[str, float] = field(default_factory=dict)
    size: int = 0

    def run(self) -> Any:
        """Do the work, unless nobody waits for it any more; note why it failed instead of raising that."""
        work, self.work = self.work, None
        self.started = time.monotonic()
        try:
            self._check()
            if work is None:
                raise Cancelled
            result = work(self.tell)
            self.size = size_of(result)
            for part in failed_parts(result):
                self.partial = True
                if isinstance(part, BaseException):
                    part.__traceback__ = part.__cause__ = part.__context__ = None  # they keep whole frames
            return result
        except Cancelled:
            self.ended = True
        except ConvScopeError as error:
            self.failure = str(error)
        except Exception as error:
            # As text: a log record with the exception would keep it, and all that its frames hold.
            _log.error("Work in the background failed.\n%s", traceback.format_exc())
            self.failure = (
                f"This could not be finished because of an unexpected error ({type(error).__name__}). "
                "The details are in the server's log."
            )
        return None

    def tell(self, done: int, total: int) -> None:
        """Note how far the work is; raises `Cancelled` once all who watched have left, or the server stops."""
        self.done, self.total = done, total
        self._check()

    def leave(self, session: str) -> None:
        """Note that a session does not wait any more; without the last one the work ends, or never begins."""
        self.watchers.pop(session, None)
        if runtime.exists():  # a page that was reloaded or closed cannot press Cancel any more
            for other in list(self.watchers):
                if not runtime.get_instance().is_active_session(other):
                    self.watchers.pop(other, None)
        if not self.watchers and self.result.cancel():
            self.work = None

    def failed_before(self, session: str) -> bool:
        """Say whether the work failed while a session was watching, or has left it alone to go on."""
        if not self.result.done() or not self.failure or session not in self.watchers:
            return False
        return self.lasting or time.monotonic() - self.watchers[session] <= PATIENCE

    def _check(self) -> None:
        if runtime.exists() and runtime.get_instance().state in _STOPPING:
            raise Cancelled
        now = time.monotonic()
        if all(not self.lasting and now - seen > PATIENCE for seen in list(self.watchers.values())):
            raise Cancelled

    @property
    def over(self) -> bool:
        """Whether a new attempt is needed: it was cancelled, or it failed."""
        if not self.result.done():
            return False
        return self.result.cancelled() or self.ended or bool(self.failure) or self.result.exception() is not None

    def succeeded(self, session: str = "") -> bool:
        """Say whether there is a result for a session: one with errors in it is only for those who watched."""
        return self.result.done() and not self.over and (not self.partial or session in self.watchers)


@dataclass(eq=False)
class Board:
    """All jobs by their keys: each that waits or runs, and the latest results; the least recently used go first."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    jobs: "OrderedDict[Hashable, Job]" = field(default_factory=OrderedDict)
    pools: dict[Lane, ThreadPoolExecutor] = field(
        default_factory=lambda: {lane: ThreadPoolExecutor(threads_of(lane), f"{lane.value}-job") for lane in Lane}
    )

    def look(self, key: Hashable) -> Job | None:
        """Return the job of a key, if there is one."""
        with self.lock:
            if key in self.jobs:
                self.jobs.move_to_end(key)
            return self.jobs.get(key)

    def watch(
        self,
        key: Hashable,
        work: Callable[[Progress], Any],
        session: str,
        lane: Lane = Lane.SHORT,
        *,
        lasting: bool = False,
    ) -> Job:
        """Return the job of a key as one that a session watches: the one there is, or a new one."""
        with self.lock:
            job = self.look(key)
            if job is not None and (not job.result.done() or job.succeeded(session)):
                job.watchers[session] = time.monotonic()
                return job
            job = self.jobs[key] = Job(work, lasting, watchers={session: time.monotonic()})
            job.result = self.pools[lane].submit(job.run)
            job.result.add_done_callback(lambda _: self.trim())
            return job

    def forget(self, key: Hashable) -> None:
        """Drop the result of a key, where what it brought is kept elsewhere; nothing that waits or runs."""
        with self.lock:
            job = self.jobs.get(key)
            if job is not None and job.result.done():
                del self.jobs[key]

    def trim(self) -> None:
        """Forget what is over beyond the limits, but nothing that waits or runs, and not the latest result."""
        with self.lock:
            ended = [key for key, job in self.jobs.items() if job.result.done()]
            count, size = len(ended), sum(self.jobs[key].size for key in ended)
            for key in ended[:-1]:
                if count <= KEPT and size <= KEPT_BYTES:
                    return
                count, size = count - 1, size - self.jobs.pop(key).size


@st.cache_resource(show_spinner=False)
def board() -> Board:
    """Return the jobs of all sessions."""
    return Board()


def size_of(value: Any) -> int:
    """Return about how many bytes a result takes: its arrays, tensors, texts and networks, however they are nested."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(size := getattr(value, "nbytes", None), int):
        return size
    if isinstance(value, Mapping):
        return sum(map(size_of, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return sum(map(size_of, value))
    if is_dataclass(value) and not isinstance(value, type):
        return sum(size_of(getattr(value, each.name, None)) for each in fields(value))
    if hasattr(value, "state_dict"):
        return size_of(dict(value.state_dict()))
    return 8


def failed_parts(value: Any) -> Iterator[Any]:
    """Find what stands in a result, however nested, for parts that failed: errors, and gaps that later may be none."""
    if isinstance(value, BaseException) or getattr(value, "may_pass", False):
        yield value
        return
    parts: Iterable[Any] = ()
    if isinstance(value, Mapping):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif is_dataclass(value) and not isinstance(value, type):
        parts = (getattr(value, each.name, None) for each in fields(value))
    for part in parts:
        yield from failed_parts(part)
