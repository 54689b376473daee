"""Every training so far: compare at a glance, look at one, resume, rename, annotate, delete, share, build on."""

from collections.abc import Sequence

import streamlit as st

from core.errors import ConvScopeError
from core.inference.library import names_pretrained
from core.runs.records import Run, Status
from pages.sections.runs.comparison import overlay
from pages.sections.runs.details import details
from pages.sections.runs.run_import import import_panel
from pages.sections.runs.selection import choose, find, listed, show_more, shown, ticked
from pages.sections.runs.table import runs_table
from pages.shared.run.incident import show_incident, show_strays
from pages.shared.run.live_view import what_next
from pages.shared.run.waiting import share_of
from pages.shared.shell.frame import STEADY
from pages.shared.shell.layout import empty_state, escape_markdown, next_step, page, show_errors
from pages.shared.shell.navigation import TO_TRAIN
from pages.shared.widgets.auto_refresh import pulse

TICK_SECONDS = 2.0


def chosen(runs: Sequence[Run]) -> Run:
    """Return the run of the address, else the newest, which the address then names."""
    run_id = st.query_params.get("run", "")
    try:
        run = find(run_id, runs) if run_id and not names_pretrained(run_id) else None
    except ConvScopeError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        run = None
    if run is None:
        run = runs[0]
        choose(run.id)
    return run


def board(runs: Sequence[Run]) -> None:
    """Draw all that depends on the runs."""
    show_incident()
    if not runs:
        empty_state("Nothing has been trained yet: one button on Home does it.", "Go to Home", "home")
        import_panel()
        show_strays()
        return
    run, compared = chosen(runs), ticked(runs)
    runs_table(runs, run, compared)
    training = next((each for each in runs if each.status is Status.RUNNING), None)
    if training and (words := share_of(training).words):
        st.caption(f"Trainings take turns, {words}.")
    if len(runs) >= shown():
        st.button(f"The latest {shown()} runs. Show more", type="tertiary", on_click=show_more)
    import_panel()
    overlay(compared)
    details(run)
    what_next(run)
    show_strays()
    next_step(TO_TRAIN, "train", run=None)


def active(runs: Sequence[Run]) -> bool:
    """Return whether any run is with a worker, or will be."""
    return any(run.status.active for run in runs)


page("runs")
with show_errors():
    first = [listed()]
    live = active(first[0])
    if live:
        st.html(STEADY)

    @st.fragment
    def tick() -> None:
        """Draw the runs, and follow them while any of them is active; a last run of the page ends that."""
        with show_errors():
            runs = first.pop() if first else listed()
            board(runs)
            if active(runs) is not live:
                st.rerun()
        if live:
            pulse(TICK_SECONDS, key="pulse_runs")

    tick()
