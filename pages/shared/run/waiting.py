"""A run among others: its place in the queue or its share of the machine, and how long it takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.formatting import duration
from core.runs.records import Run, Status
from core.runs.remaining import expected_seconds, seconds_left, shared_seconds
from core.settings import settings
from core.train.memory import MB, fits
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import escape_markdown

LISTED = 5  # of those that come before it
SECONDS = 2.0  # for which hold the pace of a run, and which others take turns
ALIKE = 30  # runs among which one of the same settings is looked for


def time_left(run: Run) -> float | None:
    """Return how many seconds a run will still train, or None while nobody can say."""
    if run.step:
        history = services.history(run.id)
        history.update(run, every=SECONDS)
        return seconds_left(run, history.times)
    others = services.store().list(ALIKE, dataset=run.dataset, learned=True)
    return expected_seconds(run, others)


@dataclass(frozen=True)
class Share:
    """What a run has of the machine.

    Attributes:
        others: How long each other run would still train alone that has turns beside it; None where unknown.
        at_a_time: How many have their turns at the same moment.
    """

    others: tuple[float | None, ...] = ()
    at_a_time: int = 1

    @property
    def runs(self) -> int:
        """How many have turns."""
        return len(self.others) + 1

    @property
    def words(self) -> str:
        """Its place: "1 of 12 at a time"; empty where every run has all the turns that it wants."""
        return f"{self.at_a_time} of {self.runs} at a time" if self.runs > self.at_a_time else ""

    def speed(self, run: Run) -> float:
        """Return the images per second that it trains on, the turns of others included; 0 while unknown."""
        return run.images_per_second * min(1.0, self.at_a_time / self.runs)


def share_of(run: Run) -> Share:
    """Return what a run has of the machine: all of it, unless it trains beside others."""
    if run.status is not Status.RUNNING:
        return Share()
    return Share(services.store().beside(run.id), _at_a_time())


class RecentShare:
    """What a run has of the machine, looked up every few seconds and whenever its state has changed."""

    def __init__(self) -> None:
        self._share, self._moment = Share(), 0.0
        self._status: Status | None = None

    def of(self, run: Run) -> Share:
        """Return the share of the run, always the same one."""
        if run.status is not self._status or time.monotonic() - self._moment >= SECONDS:
            self._share, self._status, self._moment = share_of(run), run.status, time.monotonic()
        return self._share


def shared_time_left(run: Run, share: Share) -> float | None:
    """Return how many seconds a run will still train beside others, or None while nobody can say."""
    left = time_left(run)
    return None if left is None else shared_seconds(left, share.others, share.at_a_time)


def waits_behind(run: Run) -> tuple[Run, ...]:
    """Return the runs that a run waits for, in their order: none of one that trains, rests or takes single batches.

    Runs wait where no more of them may train, or where they would not fit into memory beside those that do.
    """
    if run.status is not Status.QUEUED or run.wanted != "run":
        return ()
    before = services.store().before(run.id)
    training = [each for each in before if each.status is Status.RUNNING]
    current = settings()
    if current.engine != "local":
        room = sum(worker.room for worker in services.store().presence.workers())
        return () if len(training) < room and len(training) == len(before) else before
    first = next((each for each in before if each.status is Status.QUEUED), run)
    if len(training) < current.runs and fits(first, training, current.memory_mb * MB):
        return ()  # its turn comes at once
    return before


def has_worker(run: Run) -> bool:
    """Return whether somebody will train a run, if it waits for that: this app, or workers that it leaves that to."""
    waits = run.status is Status.QUEUED and run.wanted == "run" and settings().engine != "local"
    return not waits or bool(services.store().presence.workers())


def no_worker() -> None:
    """Say that runs wait because nobody is there to train them, and what to do."""
    if settings().engine == "ray":
        words = services.engine().hindrance() or "Ray has not placed a worker yet, so this training waits."
        st.warning(escape_markdown(words), icon=":material/dns:")
        return
    st.warning("No worker is running, so this training waits. Start one on any machine:", icon=":material/dns:")
    st.code("python -m core.train.worker --url … --files …", language="sh", wrap_lines=True)


def _at_a_time() -> int:
    """Return how many runs are trained at the same moment where most are."""
    if settings().engine == "local":
        return settings().slots
    return max((worker.slots for worker in services.store().presence.workers()), default=1)


def queue(before: Sequence[Run]) -> None:
    """Say which place a run has that waits for these, which they are, and how long that will be."""
    times = [time_left(run) for run in before]
    place, known = len(before) + 1, [seconds for seconds in times if seconds is not None]
    words = f"**Place {place} in the queue.** It starts by itself"
    if len(known) == len(times):
        words += f" in about {duration(_until_there_is_room(before, known))}"
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


def _until_there_is_room(before: Sequence[Run], times: Sequence[float]) -> float:
    """Return about how many seconds pass until one more has ended of the runs before it than wait before it."""
    waiting = sum(run.status is not Status.RUNNING for run in before)
    ends = sorted(times)
    place = min(waiting, len(ends) - 1)
    return shared_seconds(ends[place], ends[:place] + ends[place + 1 :], _at_a_time())


def _state(run: Run) -> str:
    return "trains" if run.status is Status.RUNNING else "waits"


def _time(run: Run, seconds: float | None) -> str:
    if seconds is not None:
        return f", about {duration(seconds)}" + " left" * (run.status is Status.RUNNING)
    if run.step:
        return f", {run.progress:.0%} done"
    epochs = int(run.config.get("epochs", 1))
    return f", {epochs} epoch{'s' * (epochs > 1)}"
