"""Work that takes a while: done in the background for as long as somebody watches, with progress, time left, Cancel."""

import logging
import os
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import ConvScopeError
from pages.shared.layout import plain
from pages.shared.live import duration
from pages.shared.widgets.pulse import pulse

T = TypeVar("T")
Progress = Callable[[int, int], None]
TICK_SECONDS = 0.3
PATIENCE = 120.0  # seconds: a watcher who has not looked for so long has left
KEPT, KEPT_BYTES = 128, 512 * 2**20  # results kept for later visits: at most so many, of so many bytes together
_log = logging.getLogger(__name__)


class Cancelled(BaseException):
    """Nobody wants this work any more; not an `Exception`, so that no work takes it for a mishap of its own."""


@dataclass(eq=False)
class Job:
    """One piece of work and who watches it.

    Attributes:
        work: What is done; it tells its progress (done, total). None once it is over, whatever came of it.
        result: What comes out; None where the work failed.
        failure: Why the work failed, one sentence; empty unless it did. The exception itself is not kept: its
            traceback would keep all that the work held in memory.
        ended: Whether the work was ended because nobody waited for it any more.
        partial: Whether the result, a list or a mapping, holds an error for one of its parts.
        done, total: How far it is.
        started: When its turn came (`time.monotonic`); None while it waits.
        watchers: When each session last looked.
        size: About how many bytes the result takes.
    """

    work: Callable[[Progress], Any] | None
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
            found = work(self.tell)
            self.size, self.partial = size_of(found), _has_errors(found)
            return found
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
        """Note how far the work is; raises `Cancelled` once all who watched have left."""
        self.done, self.total = done, total
        self._check()

    def leave(self, session: str) -> None:
        """Note that a session does not wait any more; without the last one the work ends, or never begins."""
        self.watchers.pop(session, None)
        if not self.watchers and self.result.cancel():
            self.work = None

    def failed_before(self, session: str) -> bool:
        """Say whether the work failed while a session was watching."""
        if not self.result.done() or not self.failure:
            return False
        return time.monotonic() - self.watchers.get(session, -PATIENCE) <= PATIENCE

    def _check(self) -> None:
        now = time.monotonic()
        if all(now - seen > PATIENCE for seen in list(self.watchers.values())):
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
    pool: ThreadPoolExecutor = field(
        # Half of the cores are for pages and trainings, but one long job alone must not make all others wait.
        default_factory=lambda: ThreadPoolExecutor(max(2, (os.cpu_count() or 1) // 2), "job")
    )

    def look(self, key: Hashable) -> Job | None:
        """Return the job of a key, if there is one."""
        with self.lock:
            if key in self.jobs:
                self.jobs.move_to_end(key)
            return self.jobs.get(key)

    def watch(self, key: Hashable, work: Callable[[Progress], Any], session: str) -> Job:
        """Return the job of a key as one that a session watches: the one there is, or a new one."""
        with self.lock:
            job = self.look(key)
            if job is not None and (not job.result.done() or job.succeeded(session)):
                job.watchers[session] = time.monotonic()
                return job
            job = self.jobs[key] = Job(work, watchers={session: time.monotonic()})
            job.result = self.pool.submit(job.run)
            job.result.add_done_callback(lambda _: self.trim())
            return job

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


def _has_errors(found: Any) -> bool:
    """Say whether a result holds errors among its parts, and take their tracebacks off, which keep whole frames."""
    parts = found.values() if isinstance(found, Mapping) else found if isinstance(found, list | tuple) else ()
    errors = [part for part in parts if isinstance(part, BaseException)]
    for error in errors:
        error.__traceback__ = error.__cause__ = error.__context__ = None
    return bool(errors)


def background(
    key: tuple[Hashable, ...], work: Callable[[Progress], T], *, words: str, place: str, ask: str = ""
) -> T | None:
    """Return what a piece of work gives, or draw how far it is and return None; call it inside a fragment.

    Sessions that ask for the same thing share it. It goes on as long as one of them watches: Cancel, or leaving, ends
    it for the last one. Why it failed is said to those who watched, with a button to try again; it is not kept: whoever
    comes to the place anew tries anew.

    Args:
        key: What the work depends on.
        work: Does it, in another thread: no Streamlit element may be drawn there. It tells its progress often.
        words: What is being done, for the progress bar.
        place: Streamlit's key for the buttons; one for each place on the page.
        ask: The label of the button that starts it; empty to start unasked.
    """
    session, job = _session(), board().look(key)
    if job is not None and job.succeeded(session):
        st.session_state.pop(f"failed_{place}", None)
        found: T = job.result.result()
        return found
    if job is not None and job.failed_before(session):
        job.watchers.pop(session, None)
        _say_failure(place, key, job.failure)
        return None
    if failure := _said(key):
        _say_failure(place, key, failure)
        return None
    st.session_state.pop(f"failed_{place}", None)
    running = job is not None and not job.result.done()
    if st.session_state.get(f"declined_{place}") == key or (ask and not is_asked(place, key) and not running):
        label = ask or "Compute"
        st.button(label, icon=":material/play_arrow:", key=f"ask_{place}", on_click=want, args=(place, key))
        return None
    job = board().watch(key, work, session)
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{place}"):
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=_words(job, words))
        st.button("Cancel", key=f"cancel_{place}", on_click=_leave, args=(job, session, place, key))
    pulse(TICK_SECONDS, key=f"pulse_{place}")
    return None


def known(key: tuple[Hashable, ...]) -> Any:
    """Return the result of a piece of work if it has been done, else None."""
    job = board().look(key)
    return job.result.result() if job is not None and job.succeeded() else None


def want(place: str, key: tuple[Hashable, ...]) -> None:
    """Ask for the work of a place on the page, as a press on its button does."""
    st.session_state[f"asked_{place}"] = key
    st.session_state.pop(f"declined_{place}", None)
    for name in [str(name) for name in st.session_state if str(name).startswith("failed_")]:
        if st.session_state[name][0] == key:
            del st.session_state[name]


def is_asked(place: str, key: tuple[Hashable, ...]) -> bool:
    """Say whether this session has asked for the work of a place on the page."""
    return st.session_state.get(f"asked_{place}") == key


def _say_failure(place: str, key: tuple[Hashable, ...], failure: str) -> None:
    """Say why the work failed and offer to try again, for as long as this place stays on the page."""
    st.session_state[f"failed_{place}"] = (key, failure)
    with st.container(key=f"failure_{place}", gap="xsmall"):
        st.error(plain(failure), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key=f"again_{place}", on_click=want, args=(place, key))


def _said(key: tuple[Hashable, ...]) -> str:
    """Return why the work failed where a place of this page says so, this one or another that asks for the same."""
    for name in map(str, st.session_state):
        place = name.removeprefix("failed_")
        # a button that was not drawn meanwhile has no state
        if place != name and f"again_{place}" in st.session_state and st.session_state[name][0] == key:
            return str(st.session_state[name][1])
    return ""


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _leave(job: Job, session: str, place: str, key: tuple[Hashable, ...]) -> None:
    st.session_state[f"declined_{place}"] = key
    st.session_state.pop(f"asked_{place}", None)
    job.leave(session)


def _words(job: Job, words: str) -> str:
    if job.started is None:
        return f"{words}: waiting for its turn"
    if not job.done or not job.total:
        return f"{words} …"
    left = (time.monotonic() - job.started) / job.done * (job.total - job.done)
    return f"{words}: {job.done / job.total:.0%} · about {duration(left)} left"
