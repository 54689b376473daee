"""What was asked of a run and could not be done: said in one sentence until something else is asked."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import ConvScopeError
from core.runs.records import Run
from pages.shared.layout import plain

_REFUSAL = "run_refusal"


def answered(change: Callable[..., None]) -> Callable[..., None]:
    """Make a change of a run, named by its id, one that leaves a sentence where it cannot be made; for callbacks."""

    def safe(run_id: str, *args: Any) -> None:
        st.session_state.pop(_REFUSAL, None)
        try:
            change(run_id, *args)
        except ConvScopeError as error:
            st.session_state[_REFUSAL] = (run_id, str(error))

    return safe


def refused(run: Run) -> str:
    """Return why the last thing asked of a run was refused, or nothing."""
    run_id, words = st.session_state.get(_REFUSAL, ("", ""))
    return words if run_id == run.id else ""


def show_refusal(run: Run) -> None:
    """Say why the last thing asked of a run was refused, if it was."""
    if words := refused(run):
        st.error(plain(words), icon=":material/error:")
