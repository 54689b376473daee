"""Which runs are listed, which one is looked at and which are compared; the address says the latter two."""

from collections.abc import Sequence

import streamlit as st

from core.errors import ConvScopeError
from core.figures.overlay_curves import MAX_RUNS
from core.runs.records import Run
from pages.shared.shell import navigation, services

LIMIT = 200
TICKED = "compare"  # the parameter of the address that names the runs to compare


def listed() -> tuple[Run, ...]:
    """Return the latest runs, newest first."""
    runs: tuple[Run, ...] = services.store().list(shown())
    return runs


def shown() -> int:
    """Return how many runs this session lists at most."""
    count: int = st.session_state.get("runs_shown", LIMIT)
    return count


def show_more() -> None:
    """List more runs."""
    st.session_state["runs_shown"] = shown() + LIMIT


def find(run_id: str, runs: Sequence[Run]) -> Run:
    """Return a run, which `runs` may hold or not; raises `RunError` if there is none of this id."""
    return next((run for run in runs if run.id == run_id), None) or services.store().get(run_id)


def ticked(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return the runs to compare that the address names, in its order; those that are gone are left out.

    Args:
        runs: Known ones, which need not be read again.
    """
    runs_ticked = []
    for run_id in list(dict.fromkeys(st.query_params.get(TICKED, "").split("-")))[:MAX_RUNS]:
        try:
            runs_ticked.append(find(run_id, runs))
        except ConvScopeError:
            continue
    return tuple(runs_ticked)


def choose(run_id: str | None) -> None:
    """Make the address name a run, or none; what it said about looking at another one goes."""
    if st.query_params.get("run") != run_id:
        for name in navigation.KEPT:
            st.query_params.pop(name, None)
        if run_id is not None:
            st.query_params["run"] = run_id


def tick(run_ids: Sequence[str]) -> None:
    """Make the address name the runs to compare."""
    if run_ids:
        st.query_params[TICKED] = "-".join(run_ids)
    else:
        st.query_params.pop(TICKED, None)
