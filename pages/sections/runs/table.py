"""All runs at a glance: a click on a row chooses its run, ticks choose runs to compare."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.figures.overlay_curves import MAX_RUNS
from core.model.shapes import count_params
from core.runs.curves import Outlines
from core.runs.records import Outline, Run, Status
from core.runs.scores import FEW_IMAGES, TOO_FEW, accuracy_cell, split_size
from core.runs.training_data import dataset_title
from pages.sections.runs.selection import choose, tick
from pages.shared.run.names import distinct_names, started
from pages.shared.shell import services

STATUS_WORDS = {
    Status.QUEUED: "… Waiting",
    Status.RUNNING: "▶ Training",
    Status.PAUSED: "‖ Paused",
    Status.FINISHED: "✓ Finished",
    Status.STOPPED: "■ Stopped",
    Status.FAILED: "✕ Failed",
    Status.INTERRUPTED: "! Interrupted",
}
_NAME = "Name"
NAME_WIDTHS = (150, 290)  # with the widest, all up to the time are seen beside an open menu at 1280 pixels
LONG, LINES_WIDTH = (
    60,
    204,
)  # letters from which names wrap; with that width the status is seen beside them at 390 pixels
LETTER_WIDTH = 7.2
LINES_PX = 76  # height of rows of four lines, for long names; below 65 Streamlit wraps nothing
ROWS = 7  # so high are shown at once
COUNTED = f"On fewer than {FEW_IMAGES} images a count; fewer than {TOO_FEW} are too few to tell."
COLUMNS = {
    "Status": st.column_config.TextColumn(width=118),
    "Loss": st.column_config.LineChartColumn(
        width=76, y_min=0, help="Training loss from the first batch to the latest: it should fall."
    ),
    "Best valid": st.column_config.TextColumn(
        width=110, alignment="right", help=f"Highest validation accuracy after any epoch. {COUNTED}"
    ),
    "Test": st.column_config.TextColumn(
        width=110, alignment="right", help=f"Accuracy on the test images, measured once at the end. {COUNTED}"
    ),
    "Time": st.column_config.NumberColumn(width=80, format="%d s", help="Time spent training, pauses left out."),
    "Images/s": st.column_config.NumberColumn(
        width=76, format="localized", help="Training speed over the last seconds of its turns."
    ),
    "Parameters": st.column_config.NumberColumn(width=100, format="localized"),
    "Data set": st.column_config.TextColumn(width=230),
    "Started": st.column_config.DatetimeColumn(width=150, format="D MMM YYYY, HH:mm"),
    "Note": st.column_config.TextColumn(width=200),
}


def runs_table(runs: Sequence[Run], chosen: Run, compared: Sequence[Run]) -> None:
    """Show runs as a table in which `chosen` and the `compared` ones are marked, and obey clicks and ticks.

    Of those marked, the ones that are not among `runs` come last.
    """
    runs = tuple({run.id: run for run in (*runs, *compared, chosen)}.values())
    ids = [run.id for run in runs]
    ticks = [run.id for run in compared]
    selection = _marked(ids, chosen, ticks)
    if selection is not None:
        st.session_state["runs_table"] = {"selection": selection}

    def follow() -> None:
        now = st.session_state["runs_table"]["selection"]
        rows = [ids[row] for row in now["rows"]]
        fresh = [run_id for run_id in rows if run_id not in ticks]
        tick([*(run_id for run_id in ticks if run_id in rows), *fresh][:MAX_RUNS])
        if fresh:
            choose(fresh[0])
        elif now["cells"]:
            choose(ids[now["cells"][0][0]])

    run_outlines, names = outlines().of(runs), distinct_names(runs)
    longest = max(map(len, names.values()))
    wraps = longest > LONG
    st.dataframe(
        pd.DataFrame([_row(run, names[run.id], run_outlines) for run in runs]),
        column_config={
            _NAME: st.column_config.TextColumn(width=LINES_WIDTH if wraps else _name_width(longest)),
            **COLUMNS,
        },
        row_height=LINES_PX if wraps else None,
        height=(1 + min(len(runs), ROWS)) * LINES_PX - LINES_PX // 2 if wraps else "auto",
        hide_index=True,
        on_select=follow,
        selection_mode=["multi-row", "single-cell"],
        placeholder="–",
        key="runs_table",
        alt="Table of all runs; the details of the chosen one follow below",
    )


def _name_width(longest: int) -> int:
    """Return the width of a column of names of so many letters, in pixels: whole on one line up to a limit."""
    least, most = NAME_WIDTHS
    return max(least, min(most, round(20 + LETTER_WIDTH * longest)))


def _marked(ids: Sequence[str], chosen: Run, ticks: Sequence[str]) -> dict[str, object] | None:
    """Return what the table should have selected, or None if it has; a new run moves the others one row down."""
    selection = st.session_state.get("runs_table", {"selection": {"rows": [], "cells": []}})["selection"]
    rows, row = sorted(ids.index(run_id) for run_id in ticks), ids.index(chosen.id)
    if sorted(selection["rows"]) == rows and [cell[0] for cell in selection["cells"]] == [row]:
        return None
    return {"rows": rows, "columns": [], "cells": [[row, _NAME]]}


def _row(run: Run, name: str, run_outlines: Mapping[str, Outline]) -> dict[str, object]:
    outline = run_outlines[run.id]
    return {
        _NAME: name,
        "Status": _status(run),
        "Loss": list(outline.train_loss),
        "Best valid": accuracy_cell(outline.best_valid_accuracy, split_size(run, 1)),
        "Test": accuracy_cell(run.test_accuracy, split_size(run, 2)),
        "Time": round(run.seconds),
        "Images/s": round(run.images_per_second) or None,
        "Parameters": count_params(run.spec),
        "Data set": dataset_title(run),
        "Started": started(run),
        "Note": " ".join(run.note.split()) or None,
    }


def _status(run: Run) -> str:
    word = STATUS_WORDS[run.status]
    return word if run.progress in (0, 1) else f"{word} {run.progress:.0%}"


@st.cache_resource(show_spinner=False)
def outlines() -> Outlines:
    """Return the courses of all runs at a glance, shared by all who look."""
    return Outlines(services.store())
