"""Work that takes a while, on the page: its progress, time left and Cancel, or why it failed and how to try again."""

import time
from collections.abc import Callable, Hashable
from concurrent.futures import wait
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.formatting import duration
from core.progress import Progress
from pages.shared.shell.job_board import Job, Lane, board, lane_of
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.auto_refresh import pulse

__all__ = ["Lane", "Progress", "background", "forget", "is_asked", "is_watched", "known", "lane_of", "want"]

T = TypeVar("T")
TICK_SECONDS = 0.3
GRACE_SECONDS = {Lane.SHORT: 0.25}  # what is done within this time shows no progress: that would only flicker


def background(
    key: tuple[Hashable, ...],
    work: Callable[[Progress], T],
    *,
    words: str,
    place: str,
    ask: str = "",
    icon: str = ":material/play_arrow:",
    primary: bool = False,
    lane: Lane = Lane.SHORT,
    lasting: bool = False,
    quiet: bool = False,
) -> T | None:
    """Return what a piece of work gives, or draw how far it is and return None; call it inside a fragment.

    Sessions that ask for the same thing share it. It goes on as long as one of them watches: Cancel, or leaving, ends
    it for the last one. Why it failed is said to those who watched, with a button to try again; it is not kept: whoever
    comes to the place anew tries anew, or is asked anew where the work waits for a press.

    Args:
        key: What the work depends on.
        work: Does it, in another thread: no Streamlit element may be drawn there. It tells its progress often.
        words: What is being done, for the progress bar.
        place: Streamlit's key for the buttons; one for each place on the page.
        ask: The label of the button that starts it; empty to start unasked.
        icon, primary: How that button looks.
        lane: What it waits behind.
        lasting: Whether it goes on when everybody leaves the page, as downloads do; Cancel ends it all the same.
        quiet: Whether a line of small print takes the place of progress bar and Cancel, for what nobody waits for.
    """
    session, before = _session(), board().look(key)
    if before is not None and before.succeeded(session):
        return _found(before, place)
    failure = _failure(before, session) or _said(key)
    if failure:
        _say_failure(place, key, failure, quiet)
        return None
    st.session_state.pop(f"failed_{place}", None)
    waits = ask and not is_asked(place, key) and not _is_running(key)
    if waits or st.session_state.get(f"declined_{place}") == key:
        _offer(place, key, ask or "Compute", icon, primary)
        return None
    job = board().watch(key, work, session, lane, lasting=lasting)
    if job is not before:
        wait([job.result], GRACE_SECONDS.get(lane, 0.0))
        if job.succeeded(session):
            return _found(job, place)
        if failure := _failure(job, session):
            _say_failure(place, key, failure, quiet)
            return None
    _show_progress(job, session, place, key, words, quiet)
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


def _is_running(key: tuple[Hashable, ...]) -> bool:
    """Say whether a piece of work waits for its turn or is being done, whoever asked for it."""
    job = board().look(key)
    return job is not None and not job.result.done()


def is_watched(key: tuple[Hashable, ...]) -> bool:
    """Say whether this session waits for a piece of work."""
    job = board().look(key)
    return job is not None and not job.result.done() and _session() in job.watchers


def forget(place: str, key: tuple[Hashable, ...]) -> None:
    """Drop what a piece of work gave, where that is kept elsewhere, and that this session asked for it."""
    board().forget(key)
    if is_asked(place, key):
        del st.session_state[f"asked_{place}"]


def _found(job: Job, place: str) -> Any:
    st.session_state.pop(f"failed_{place}", None)
    return job.result.result()


def _failure(job: Job | None, session: str) -> str:
    """Return why a job failed, once to each session that watched it."""
    if job is None or not job.failed_before(session):
        return ""
    job.watchers.pop(session, None)
    return job.failure


def _offer(place: str, key: tuple[Hashable, ...], label: str, icon: str, primary: bool) -> None:
    st.button(
        label,
        type="primary" if primary else "secondary",
        icon=icon,
        key=f"ask_{place}",
        on_click=want,
        args=(place, key),
    )


def _show_progress(job: Job, session: str, place: str, key: tuple[Hashable, ...], words: str, quiet: bool) -> None:
    """Draw how far a job is, and look again in a moment."""
    if quiet:
        st.caption(_words(job, words))
    else:
        with st.container(horizontal=True, vertical_alignment="center", key=f"job_{place}"):
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=_words(job, words))
            st.button("Cancel", key=f"cancel_{place}", on_click=_leave, args=(job, session, place, key))
    pulse(TICK_SECONDS, key=f"pulse_{place}")


def _say_failure(place: str, key: tuple[Hashable, ...], failure: str, quiet: bool) -> None:
    """Say why the work failed and offer to try again, for as long as this place stays on the page."""
    st.session_state[f"failed_{place}"] = (key, failure)
    st.session_state.pop(f"asked_{place}", None)  # what waits for a press waits for another one
    with st.container(key=f"failure_{place}", gap="xsmall"):
        if quiet:
            st.caption(escape_markdown(failure))
        else:
            st.error(escape_markdown(failure), icon=":material/error:")
        st.button(
            "Try again",
            type="tertiary" if quiet else "secondary",
            icon=":material/refresh:",
            key=f"again_{place}",
            on_click=want,
            args=(place, key),
        )


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
    if job.done >= job.total:
        return f"{words}: almost done"
    left = (time.monotonic() - job.started) / job.done * (job.total - job.done)
    return f"{words}: {job.done / job.total:.0%} · about {duration(left)} left"
