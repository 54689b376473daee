"""The learning curves of a run, and how this session likes to see them."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from core.figures.annotations import Mark, best_rows, event_rows, events_not_drawn, mark_rows
from core.figures.curves import curve_chart, curve_rows, gap_rows
from core.figures.epoch_clicks import PICKED, band_rows, with_epoch_clicks
from core.runs.records import Event, Run
from pages.shared.display.vega_charts import chart
from pages.shared.network.epoch_slider import kept_and_shown, show_epoch
from pages.shared.run.live_parts import Drawn, redraw
from pages.shared.shell import services, session

MEASURES = ("loss", "accuracy")
SMOOTHING = 0.6
SECONDS, SHARE = 2.0, 0.02  # a curve that has grown by less than this share of its axis is drawn again this late
LATE, PIXEL = 4.0, 0.002  # and this late where it has grown by less than a pixel
SLOW = 8.0  # batches a second up to which each of them is drawn at once
HEIGHT_PX = 235  # with all that belongs to a run, the curves are within one screen


def has_grown(run: Run, drawn: Drawn) -> bool:
    """Say whether the curves look otherwise than when they were drawn: a batch of thousands is less than a pixel."""
    before = drawn.run
    if (run.status, run.epoch, run.live, run.total_steps) != (
        before.status,
        before.epoch,
        before.live,
        before.total_steps,
    ):
        return True
    if run.step == before.step:
        return False
    grown = abs(run.step - before.step) / max(run.total_steps, 1)
    slow = 0 < run.pace <= SLOW or run.wanted == "pause"
    return grown >= SHARE or slow or drawn.seconds >= (SECONDS if grown >= PIXEL else LATE)


def curves(run: Run, marks: Sequence[Mark] = (), beneath: Callable[[], None] | None = None) -> None:
    """Draw loss and accuracy as far as they are recorded; to be called in a fragment, which its switches rerun.

    Args:
        run: As it is now.
        marks: What a diagnosis found, to be shaded.
        beneath: Draws what stands under the curves, beside the way to see them differently.
    """
    history = services.history(run.id)
    history.update(run)
    points = history.points(run.steps_per_epoch)
    if not points["train"]:
        return
    log, smoothing, gap = (
        st.session_state.get("curve_log", False),
        st.session_state.get("curve_smoothing", SMOOTHING),
        st.session_state.get("curve_gap", True),
    )
    epochs, events = planned_epochs(run), services.store().series.events(run.id)
    changes = event_rows(events, run.steps_per_epoch, epochs)
    kept, shown = kept_and_shown(run)
    with st.grid(2, min_column_width=340):
        for measure in MEASURES:
            key, curve = f"{measure}_{run.id}", curve_rows(points, measure, smoothing)
            chart(
                with_epoch_clicks(
                    curve_chart(
                        measure,
                        epochs=epochs,
                        loss=run.config.get("loss", "cross_entropy"),
                        log=log,
                        theme=session.theme(),
                        height=HEIGHT_PX,
                    ),
                    session.theme(),
                ),
                curve,
                key=key,
                alt=f"{measure.capitalize()} of training and validation by epoch",
                gap=gap_rows(points, measure, smoothing) if gap else [],
                best=best_rows(history.best, measure, run.steps_per_epoch, epochs, curve),
                events=changes,
                marks=mark_rows(marks, measure, epochs, changes),
                kept=band_rows(kept, shown),
                now=[{"epoch": shown}] if kept else [],
                on_select=partial(_follow, run, key),
            )
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="under_curves"
    ):
        with st.container(width="stretch"):
            if beneath is not None:
                beneath()
        view = st.popover("Curves", icon=":material/tune:", type="tertiary", key="curve_view", on_change="rerun")
        if view.open:
            with view:
                _ask_view()
                st.caption(_words(gap, events, bool(marks)))


def _follow(run: Run, key: str) -> None:
    """Let every page look at the epoch that was clicked in a chart; a zoom leaves them as they are."""
    picked = st.session_state[key]["selection"].get(PICKED)
    if picked and picked != st.session_state.get(f"followed_{key}"):
        st.session_state[f"followed_{key}"] = picked
        show_epoch(run, picked[0]["epoch"])
        redraw("curves", "film")
    st.session_state[f"followed_{key}"] = picked


def planned_epochs(run: Run) -> float:
    """Return where the axis of a run's curves ends."""
    planned = run.total_steps / run.steps_per_epoch if run.steps_per_epoch else 0.0
    return planned or float(run.config.get("epochs", 1))


def _ask_view() -> None:
    """Ask how to draw the curves: with a logarithmic loss, how smooth, and with the gap shaded."""
    st.slider(
        "Smoothing",
        0.0,
        0.95,
        SMOOTHING,
        0.05,
        key="curve_smoothing",
        persist_state="session",
        help="How much the mean of the batches before weighs. The faint line is what was measured.",
    )
    st.toggle(
        "Logarithmic loss",
        key="curve_log",
        persist_state="session",
        help="Equal distances are equal factors: small losses can be told apart.",
    )
    st.toggle(
        "Shade the gap",
        value=True,
        key="curve_gap",
        persist_state="session",
        help="The area between training and validation. Where it widens, the network learns by heart.",
    )


def _words(gap: bool, events: Sequence[Event], marks: bool) -> str:
    words = (
        "Line: mean of the training batches, measured while the weights still change. Dots: the whole validation "
        "split after each epoch; the ring marks its lowest loss."
    )
    words += " Shaded between them: the gap." if gap else ""
    if events:
        missing = events_not_drawn(events)
        words += " Dashed: a setting was changed" + (f"; {missing} earlier changes are not drawn." if missing else ".")
    words += " Shaded stretch: what the diagnosis found." if marks else ""
    return f"{words} Click an epoch to look at it on every page; scroll or drag to zoom, double-click to go back."
