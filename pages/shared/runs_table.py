"""All runs at a glance, kept up to date while one of them trains; choosing a row names the run in the address."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from core.data.catalog import DATASETS
from core.model.shapes import summarize
from core.runs.records import Outline, Run, Status
from pages.shared import state
from pages.shared.layout import show_errors
from pages.shared.live import LOOKS

LIMIT = 100
TICK_SECONDS = 2.0
SIGNS = {
    Status.QUEUED: "…",
    Status.RUNNING: "▶",
    Status.PAUSED: "‖",
    Status.FINISHED: "✓",
    Status.STOPPED: "■",
    Status.FAILED: "✕",
    Status.INTERRUPTED: "!",
}
COLUMNS = {
    "Name": st.column_config.TextColumn(width=200),
    "Status": st.column_config.TextColumn(width=100),
    "Progress": st.column_config.ProgressColumn(width=110, min_value=0, max_value=100, format="%d %%"),
    "Loss": st.column_config.LineChartColumn(
        width=90, y_min=0, help="Training loss from the first batch to the latest: it should fall."
    ),
    "Best valid": st.column_config.NumberColumn(
        width=80, format="%.1f %%", help="Highest validation accuracy after any epoch."
    ),
    "Test": st.column_config.NumberColumn(
        width=80, format="%.1f %%", help="Accuracy on the test images, measured once at the end."
    ),
    "Time": st.column_config.NumberColumn(width=110, format="localized", help="Time spent training, pauses left out."),
    "Parameters": st.column_config.NumberColumn(width=100, format="localized"),
    "Data set": st.column_config.TextColumn(width=230),
    "Started": st.column_config.DatetimeColumn(width=150, format="D MMM YYYY, HH:mm"),
}


def runs_table(runs: tuple[Run, ...], chosen: Run) -> None:
    """Show runs as a table in which `chosen` is marked, and follow them while any of them is active."""
    shown = [(run.id, run.status) for run in runs]

    @st.fragment(run_every=TICK_SECONDS if any(run.status.active for run in runs) else None)
    def tick() -> None:
        with show_errors():
            latest = listed(chosen)
            _draw(latest, chosen)
            if st.query_params.get("run") != chosen.id or shown != [(run.id, run.status) for run in latest]:
                st.rerun()  # the rest of the page shows another run, or another state of it

    tick()


def listed(also: Run | None = None) -> tuple[Run, ...]:
    """Return the latest runs, newest first, and one more that may be older."""
    runs: tuple[Run, ...] = state.store().list(LIMIT)
    known = also is None or also.id in [run.id for run in runs]
    return runs if known or also is None else (*runs, also)


def _draw(runs: tuple[Run, ...], chosen: Run) -> None:
    ids = [run.id for run in runs]
    marked = {"rows": [ids.index(chosen.id)], "columns": [], "cells": []}

    def follow() -> None:
        selection = st.session_state["runs_table"]["selection"]
        for row in [row for row, _ in selection["cells"]] or selection["rows"]:
            st.query_params["run"] = ids[row]

    kept = st.session_state.get("runs_table")
    if kept is None or dict(kept["selection"]) != marked:  # also when a new run moved the others one row down
        st.session_state["runs_table"] = {"selection": marked}
    st.dataframe(
        pd.DataFrame([_row(run) for run in runs]),
        column_config=COLUMNS,
        hide_index=True,
        on_select=follow,
        selection_mode=["single-row-required", "single-cell"],
        placeholder="–",
        key="runs_table",
        alt="Table of all runs; the details of the chosen one follow below",
    )


def _row(run: Run) -> dict[str, object]:
    outline = course(run)
    info = DATASETS.get(run.dataset)
    return {
        "Name": run.name,
        "Status": f"{SIGNS[run.status]} {LOOKS[run.status][0].partition(',')[0]}",
        "Progress": int(100 * run.progress),
        "Loss": [round(loss, 3) for loss in outline.train_loss],
        "Best valid": _percent(outline.best_valid_accuracy),
        "Test": _percent(run.test_accuracy),
        "Time": timedelta(seconds=round(run.seconds)),
        "Parameters": sum(layer.num_params for layer in summarize(run.spec)),
        "Data set": info.title if info else run.dataset,
        "Started": started(run),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def course(run: Run) -> Outline:
    """Return the course of a run in a few numbers."""
    return _outline(run.id, run.step, run.status, run)


@st.cache_data(show_spinner=False, max_entries=512)
def _outline(run_id: str, step: int, status: str, _run: Run) -> Outline:
    return state.store().outline(_run)


def started(run: Run) -> datetime:
    """Return when a run was started, on the clock of the person who looks."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    moment = datetime.fromtimestamp(run.created, UTC)
    try:
        return moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return moment
