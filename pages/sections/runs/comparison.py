"""The ticked runs side by side: their curves over one another, their results, and what was done differently."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.figures.overlay_curves import MAX_RUNS, overlay_chart, overlay_rows, swatch
from core.model.shapes import count_params
from core.runs.curves import RunCurve, course
from core.runs.records import Run
from core.runs.scores import accuracy_cell, accuracy_text, split_size
from core.runs.training_data import dataset_title
from core.significance import chance_margin
from core.train.describe import distinct_settings
from core.train.run_difference import differ_by_seed_alone, run_changes, shared_validation_images
from pages.sections.runs.table import outlines
from pages.shared.display.vega_charts import chart
from pages.shared.run.names import distinct_names
from pages.shared.shell import services, session
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown

MAX_CHANGES = 16


def overlay(runs: Sequence[Run]) -> None:
    """Show what two or more runs have in common and what not; one or none has nothing to be compared with."""
    if len(runs) < 2:
        st.caption("Click a row to see all of that run below. Tick two or more to lay their curves over one another.")
        return
    st.subheader(f"{len(runs)} runs compared", anchor=False)
    if len(runs) == MAX_RUNS:
        st.caption(f"{MAX_RUNS} is the most that can be told apart: untick one to add another.")
    best = {run.id: outlines().of(runs)[run.id].best_valid_accuracy for run in runs}
    with st.container(border=True, key="compared"):
        _legend(runs, best)
        _charts(runs)
        if len(runs) == 2:
            _difference(runs[0], runs[1], best)


def _legend(runs: Sequence[Run], best: Mapping[str, float | None]) -> None:
    """List the runs with their colours, their results, and the settings in which they differ."""
    names = distinct_names(runs)
    rows = {
        "Curve": [swatch(place, session.theme()) for place in range(len(runs))],
        "Name": [names[run.id] for run in runs],
        "Best valid": [accuracy_cell(best[run.id], split_size(run, 1)) for run in runs],
        "Test": [accuracy_cell(run.test_accuracy, split_size(run, 2)) for run in runs],
        "Time": [round(run.seconds) for run in runs],
    }
    about = {
        "Data set": [dataset_title(run) for run in runs],
        "Network": [f"{run.spec.name}, {count_params(run.spec):,} parameters" for run in runs],
    }
    rows |= {title: values for title, values in about.items() if len(set(values)) > 1}
    st.dataframe(
        pd.DataFrame(rows | distinct_settings([run.config for run in runs])),
        column_config={
            "Curve": st.column_config.ImageColumn(width=60),
            "Name": st.column_config.TextColumn(width=220),
            "Best valid": st.column_config.TextColumn(width=110, alignment="right"),
            "Test": st.column_config.TextColumn(width=110, alignment="right"),
            "Time": st.column_config.NumberColumn(width=110, format="%d s"),
        },
        hide_index=True,
        placeholder="–",
        key="compared_runs",
        alt="The compared runs with their colours, results and the settings in which they differ",
    )


def _charts(runs: Sequence[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = ask_one("Horizontal axis", {"epochs": "Epochs", "seconds": "Seconds"}, "compare_axis")
        log = st.toggle("Logarithmic loss", key="compare_log", persist_state="session")
    courses = {run.id: _course(run.id, run.step, run.status, run) for run in runs}
    names = distinct_names(runs)
    with st.grid(2, min_column_width=340):
        for measure in ("loss", "accuracy"):
            chart(
                overlay_chart(list(courses), measure, axis, log=log and measure == "loss", theme=session.theme()),
                overlay_rows(courses, names, measure, axis),
                key=f"compared_{measure}",
                alt=f"{measure.capitalize()} of {len(runs)} runs over one another",
            )
    losses = {run.config.get("loss", "cross_entropy") for run in runs}
    unlike = " These runs make different losses small: only their accuracies compare." * (len(losses) > 1)
    st.caption(f"Thin: training batches. Strong, with signs: validation images after each epoch.{unlike}")


@st.cache_resource(show_spinner=False, max_entries=64)
def _course(run_id: str, step: int, status: str, _run: Run) -> RunCurve:
    return course(services.store(), _run)


def _difference(a: Run, b: Run, best: Mapping[str, float | None]) -> None:
    """Say what has to be done to the first of two runs to get the second, and what came of it."""
    names = distinct_names((a, b))
    one, other = (f"**{escape_markdown(names[run.id])}**" for run in (a, b))
    st.markdown(f"From {one} to {other}")
    changes = run_changes(a, b)
    if not changes:
        st.markdown("Nothing was set differently.")
    elif differ_by_seed_alone(a, b):
        st.markdown(f"Nothing differs but the {changes[0]}: any difference in the results is chance.")
    else:
        left = len(changes) - MAX_CHANGES
        lines = [*map(escape_markdown, changes[:MAX_CHANGES]), *([f"and {left} more"] if left > 0 else [])]
        st.markdown("\n".join(f"- {line}" for line in lines))
    for name, run in ((one, a), (other, b)):
        events = services.store().series.events(run.id)
        edits = [f"{escape_markdown(event.text)} after batch {event.step:,}" for event in events]
        if edits:
            st.markdown(f"Changed in {name} while it trained: {'; '.join(edits)}.")
    st.markdown(_result((one, best[a.id]), (other, best[b.id]), shared_validation_images(a, b)))


def _result(one: tuple[str, float | None], other: tuple[str, float | None], images: int) -> str:
    """Say which best validation accuracy is higher, and whether that may be chance."""
    (_, low), (name, high) = sorted((one, other), key=lambda pair: pair[1] or 0.0)
    if low is None or high is None:
        return "Both need one whole epoch before their validation accuracies can be compared."
    if low == high:
        return f"Both reached the same best validation accuracy: {accuracy_text(high, images)}."
    name = name[0].upper() + name[1:]
    high_text, low_text = accuracy_text(high, images), accuracy_text(low, images)
    sentence = f"{name} reached the higher best validation accuracy: {high_text} against {low_text}."
    if not images:
        return f"{sentence} It was measured on other images."
    chance = chance_margin(low, high, images)
    small = f" With {images:,} validation images, a difference of up to {100 * chance:.1f} points can be chance."
    return sentence + small * (high - low <= chance)
