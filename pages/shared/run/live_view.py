"""A run as it happens: where it stands, what can be asked of it, and its growing curves."""

import operator
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.formatting import duration
from core.runs.records import Run, Status
from core.runs.scores import caution, split_size, test_accuracy_text, valid_accuracy_text
from core.runs.training_data import dataset_title
from core.train.choices import LOSSES
from pages.shared.display.doors import card_style, page_door
from pages.shared.run.incident import show_incident
from pages.shared.run.live_parts import Board, Drawn, LivePart
from pages.shared.run.run_controls import buttons, show_refusal, transport
from pages.shared.run.waiting import (
    RecentShare,
    Share,
    has_worker,
    no_worker,
    queue,
    shared_time_left,
    waits_behind,
)
from pages.shared.shell import services
from pages.shared.shell.frame import STEADY
from pages.shared.shell.layout import escape_markdown

LOOKS = {
    Status.QUEUED: ("Waiting", ":material/hourglass_empty:", "gray"),
    Status.RUNNING: ("Training", ":material/play_circle:", "blue"),
    Status.PAUSED: ("Paused", ":material/pause_circle:", "orange"),
    Status.FINISHED: ("Finished", ":material/check_circle:", "green"),
    Status.STOPPED: ("Stopped, weights kept", ":material/stop_circle:", "gray"),
    Status.FAILED: ("Failed", ":material/error:", "red"),
    Status.INTERRUPTED: ("Interrupted", ":material/warning:", "orange"),
}


def watch(run: Run, *parts: LivePart) -> None:
    """Show a run and keep it up to date for as long as a worker has it, or will.

    What depends on where the run stands is drawn by parts that are drawn again by themselves, `parts` at their end; all
    else on the page is only drawn again when a worker takes the run or leaves it, and when it has done its first batch.
    """
    if run.status.active:
        st.html(STEADY)
    board, share = Board(run, _stage), RecentShare()
    title = _Title(share)
    board.draw(LivePart("incident", lambda _: show_incident(), lambda _, __: bool(services.store().incident)))
    named, gone = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with named:
        board.draw(LivePart("title", title.draw, title.due))
    board.draw(LivePart("controls", _controls, _controls_due))
    board.draw(LivePart("figures", partial(_standing, gone, share)), beats=run.status.active)
    for part in parts:
        board.draw(part)


def _stage(run: Run) -> tuple[bool, bool]:
    """Return what decides what the page offers beside its parts: whether a worker has the run, and any weights."""
    return run.status.active, run.step > 0


class _Title:
    """Name and state of a run; drawn again once either is another, or its share of the machine."""

    def __init__(self, recent: RecentShare) -> None:
        self._recent, self._words = recent, ""

    def draw(self, run: Run) -> None:
        label, icon, colour = LOOKS[run.status]
        self._words = words = self._recent.of(run).words
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(escape_markdown(run.name), anchor=False, width="content")
            st.badge(f"{label}, {words}" if words else label, icon=icon, color=colour)  # type: ignore[arg-type]

    def due(self, run: Run, drawn: Drawn) -> bool:
        renamed = (run.name, run.status) != (drawn.run.name, drawn.run.status)
        return renamed or self._recent.of(run).words != self._words


def _controls(run: Run) -> None:
    if run.message:
        _banner(run.status)(escape_markdown(run.message))
    if run.foreign:  # no batch of it was seen here
        return
    before, trained = waits_behind(run), has_worker(run)
    if before or not trained:
        if trained:
            queue(before)
        else:
            no_worker()
        with st.container(key="transport"):
            buttons(run, "stop")
        show_refusal(run)
    else:
        transport(run)


def _controls_due(run: Run, drawn: Drawn) -> bool:
    if run.status is Status.QUEUED:  # the times of those before it pass
        return True
    asked = operator.attrgetter("status", "wanted", "message", "pace", "settings", "steps_per_epoch")
    return bool(asked(run) != asked(drawn.run))


def _standing(gone: DeltaGenerator, recent: RecentShare, run: Run) -> None:
    """Show how far a run is, in the container `gone`, and its figures."""
    if run.foreign or (not run.step and (waits_behind(run) or not has_worker(run))):
        return
    share = recent.of(run)
    gone.progress(run.progress, text=_progress(run, share))
    _figures(run, share)


def _banner(status: Status) -> Callable[[str], object]:
    return {Status.FAILED: st.error, Status.FINISHED: st.info}.get(status, st.warning)


def _progress(run: Run, share: Share) -> str:
    if not run.total_steps:
        return "Starting …" if run.status is Status.QUEUED else "Loading the images …"
    if run.prepared < run.to_prepare and not run.step:
        return f"Computing features · image {run.prepared:,} of {run.to_prepare:,}"
    epochs = run.total_steps // run.steps_per_epoch
    text = f"Epoch {max(run.epoch, 1)} of {epochs} · batch {run.step:,} of {run.total_steps:,}"
    if run.status is Status.RUNNING and (left := shared_time_left(run, share)) is not None:
        text += f" · about {duration(left)} left"
    return text


def _figures(run: Run, share: Share) -> None:
    loss_info = LOSSES.get(run.config.get("loss", "cross_entropy"))
    loss = loss_info.title.lower() if loss_info else "loss"  # of a later version
    valid_loss = None if run.valid_loss is None else f"{run.valid_loss:.3f}"
    train = None if run.train_accuracy is None else f"{run.train_accuracy:.1%}"
    speed = f"{share.speed(run):,.0f}" if run.images_per_second else None
    turns = f" Trainings take turns, {share.words}: {run.images_per_second:,.0f} in its own." if share.words else ""
    values = [
        ("Validation accuracy", valid_accuracy_text(run), "Share of the validation images classified rightly."),
        ("Validation loss", valid_loss, f"Mean {loss} on the validation images; smaller is better."),
        ("Training accuracy", train, "Mean over the batches of this epoch."),
        ("Images per second", speed, f"Training speed over the last seconds.{turns}"),
    ]
    if run.test_accuracy is not None:
        about = "On images that were used for nothing else: the honest number."
        values[-1] = ("Test accuracy", test_accuracy_text(run), about)
    with st.container(key="figures"), st.grid(4, min_column_width=140):
        for label, value, help_text in values:
            st.metric(label, value or "–", help=help_text)
    if run.valid_accuracy is not None and (words := caution(split_size(run, 1))):
        st.caption(f"Validation accuracy: {words}")


def what_next(run: Run) -> None:
    """Offer the ways into a network that has weights."""
    if not run.learned:
        return
    st.subheader("Look inside what it learned", anchor=False)
    card_style()
    with st.grid(3, min_column_width=150):
        for name in ("filters", "feature_maps", "embedding", "evaluate", "explain", "classify"):
            page_door(name, "inside", run=run.id)


def summary(run: Run) -> str:
    """Say in one line what a run trains on."""
    return f"{escape_markdown(run.spec.name)} on {escape_markdown(dataset_title(run))}"
