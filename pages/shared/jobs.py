"""Work that takes a while: done in the background for as long as somebody watches, with progress, time left, Cancel."""

import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared.live import duration
from pages.shared.widgets.pulse import pulse

T = TypeVar("T")
Progress = Callable[[int, int], None]
TICK_SECONDS = 0.3
PATIENCE = 120.0  # seconds: a watcher who has not looked for so long has left


class Cancelled(BaseException):
    """Nobody wants this work any more; not an `Exception`, so that no work takes it for a mishap of its own."""


@dataclass(eq=False)
class Job:
    """One piece of work and who watches it.

    Attributes:
        work: What is done; it tells its progress (done, total).
        result: What comes out.
        done, total: How far it is.
        started: When its turn came (`time.monotonic`); None while it waits.
        watchers: When each session last looked.
    """

    work: Callable[[Progress], Any]
    result: "Future[Any]" = field(default_factory=Future)
    done: int = 0
    total: int = 0
    started: float | None = None
    watchers: dict[str, float] = field(default_factory=dict)

    def run(self) -> Any:
        """Do the work, unless nobody waits for it any more."""
        self.started = time.monotonic()
        self._check()
        return self.work(self.tell)

    def tell(self, done: int, total: int) -> None:
        """Note how far the work is; raises `Cancelled` once all who watched have left."""
        self.done, self.total = done, total
        self._check()

    def _check(self) -> None:
        now = time.monotonic()
        if all(now - seen > PATIENCE for seen in list(self.watchers.values())):
            raise Cancelled

    @property
    def over(self) -> bool:
        """Whether a new attempt is needed: it was cancelled."""
        return self.result.cancelled() or (self.result.done() and isinstance(self.result.exception(), Cancelled))


@dataclass(eq=False)
class _Slot:
    """The place of one piece of work, whoever asks for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    job: Job | None = None


@st.cache_resource(show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), "job")  # the rest is for pages and trainings


@st.cache_resource(show_spinner=False, max_entries=128)
def _slot(key: Hashable) -> _Slot:
    return _Slot()


def background(
    key: tuple[Hashable, ...], work: Callable[[Progress], T], *, words: str, place: str, ask: str = ""
) -> T | None:
    """Return what a piece of work gives, or draw how far it is and return None; call it inside a fragment.

    Sessions that ask for the same thing share it. It goes on as long as one of them watches: Cancel, or leaving, ends
    it for the last one.

    Args:
        key: What the work depends on.
        work: Does it, in another thread: no Streamlit element may be drawn there. It tells its progress often.
        words: What is being done, for the progress bar.
        place: Streamlit's key for the buttons; one for each place on the page.
        ask: The label of the button that starts it; empty to start unasked.

    Raises:
        Exception: What the work raised.
    """
    slot, session = _slot(key), _session()
    job = slot.job
    if job is not None and job.result.done() and not job.over:
        return job.result.result()
    if st.session_state.get(f"declined_{place}") == key or (ask and not is_asked(place, key) and not _running(slot)):
        label = ask or "Compute"
        st.button(label, icon=":material/play_arrow:", key=f"ask_{place}", on_click=want, args=(place, key))
        return None
    with slot.lock:
        if slot.job is None or slot.job.over:
            slot.job = Job(work, watchers={session: time.monotonic()})
            slot.job.result = _pool().submit(slot.job.run)
        job = slot.job
        job.watchers[session] = time.monotonic()
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{place}"):
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=_words(job, words))
        st.button("Cancel", key=f"cancel_{place}", on_click=_leave, args=(job, session, place, key))
    pulse(TICK_SECONDS, key=f"pulse_{place}")
    return None


def want(place: str, key: tuple[Hashable, ...]) -> None:
    """Ask for the work of a place on the page, as a press on its button does."""
    st.session_state[f"asked_{place}"] = key
    st.session_state.pop(f"declined_{place}", None)


def is_asked(place: str, key: tuple[Hashable, ...]) -> bool:
    """Say whether this session has asked for the work of a place on the page."""
    return st.session_state.get(f"asked_{place}") == key


def _running(slot: _Slot) -> bool:
    return slot.job is not None and not slot.job.result.done()


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _leave(job: Job, session: str, place: str, key: tuple[Hashable, ...]) -> None:
    job.watchers.pop(session, None)
    st.session_state[f"declined_{place}"] = key
    st.session_state.pop(f"asked_{place}", None)
    if not job.watchers:
        job.result.cancel()  # it may not have begun


def _words(job: Job, words: str) -> str:
    if job.started is None:
        return f"{words}: waiting for its turn"
    if not job.done or not job.total:
        return f"{words} …"
    left = (time.monotonic() - job.started) / job.done * (job.total - job.done)
    return f"{words}: {job.done / job.total:.0%} · about {duration(left)} left"
