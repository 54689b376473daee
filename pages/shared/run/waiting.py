"""A run that waits: its place in the queue, what comes before it, and how long that takes."""

from collections.abc import Sequence

import streamlit as st

from core.formatting import duration
from core.runs.records import Run, Status
from core.runs.remaining import expected_seconds, seconds_left
from core.settings import settings
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import escape_markdown

LISTED = 5  # of those that come before it
ALIKE = 30  # runs among which one of the same settings is looked for


def time_left(run: Run) -> float | None:
    """Return how many seconds a run will still train, or None while nobody can say."""
    if run.step:
        history = services.history(run.id)
        history.update(run)
        return seconds_left(run, history.times)
    others = services.store().list(ALIKE, dataset=run.dataset, learned=True)
    return expected_seconds(run, others)


def waits_behind(run: Run) -> tuple[Run, ...]:
    """Return the runs that a run waits for, in their order: none of one that trains, rests or takes single batches."""
    if run.status is not Status.QUEUED or run.wanted != "run":
        return ()
    before = services.store().before(run.id)
    return before if len(before) >= settings().slots else ()


def queue(before: Sequence[Run]) -> None:
    """Say which place a run has that waits for these, which they are, and how long that will be."""
    times = [time_left(run) for run in before]
    place, known = len(before) + 1, [seconds for seconds in times if seconds is not None]
    words = f"**Place {place} in the queue.** It starts by itself"
    if len(known) == len(times):
        words += f" in about {duration(sum(known) / settings().slots)}"
    st.markdown(f"{words}; you can leave this page.")
    with st.container(gap="xsmall", key="queue"):
        for number, (run, seconds) in enumerate(zip(before[:LISTED], times, strict=False), start=1):
            navigation.link(
                "train",
                f"{number} · {escape_markdown(run.name)}: {_state(run)}{_time(run, seconds)}",
                icon=":material/play_circle:" if run.status is Status.RUNNING else ":material/hourglass_empty:",
                run=run.id,
            )
        if place > LISTED + 1:
            st.caption(f"and {place - 1 - LISTED} more")


def _state(run: Run) -> str:
    return "trains" if run.status is Status.RUNNING else "waits"


def _time(run: Run, seconds: float | None) -> str:
    if seconds is not None:
        return f", about {duration(seconds)}" + " left" * (run.status is Status.RUNNING)
    if run.step:
        return f", {run.progress:.0%} done"
    epochs = int(run.config.get("epochs", 1))
    return f", {epochs} epoch{'s' * (epochs > 1)}"
