"""Every training so far: compare at a glance, look at one, resume, rename, delete, build on."""

import streamlit as st

from core.errors import RunError
from core.runs.records import Run
from pages.shared import state
from pages.shared.layout import empty_state, next_step, page, plain, show_errors
from pages.shared.live import what_next
from pages.shared.run_details import details
from pages.shared.runs_table import LIMIT, listed, runs_table


def choose(runs: tuple[Run, ...]) -> Run:
    """Return the run of the address, else the newest, which the address then names."""
    run = None
    try:
        run = state.asked_run()
    except RunError as error:
        st.error(plain(str(error)), icon=":material/error:")
    if run is None:
        run = runs[0]
        st.query_params["run"] = run.id
    return run


page("runs")
with show_errors():
    runs = listed()
    if runs:
        run = choose(runs)
        runs_table(listed(run), run)
        latest = f"The latest {LIMIT} runs. " if len(runs) == LIMIT else ""
        st.caption(f"{latest}Click a row to see all of that run below; the table scrolls sideways.")
        details(run)
        what_next(run)
        next_step("Train another network", "train", run=None)
    else:
        empty_state("Nothing has been trained yet. One button does it, in about 20 seconds.", "Go to Home", "home")
