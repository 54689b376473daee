"""The edits that this session has made in its copy of each network, and what they are called."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from core.probe.surgery import Edit

MAX_EDITS = 50


def edits_of(run_id: str) -> "tuple[Edit, ...]":
    """Return what was changed in the copy of a run's network, first to last."""
    edits: tuple[Edit, ...] = st.session_state.get(_key(run_id), ())
    return edits


def add(run_id: str, edit: "Edit") -> None:
    """Change the copy once more."""
    _put(run_id, (*edits_of(run_id), edit)[:MAX_EDITS])


def undo(run_id: str) -> None:
    """Take the last change back."""
    _put(run_id, edits_of(run_id)[:-1])


def reset(run_id: str) -> None:
    """Take all changes back."""
    _put(run_id, ())


def retype(run_id: str, edits: "tuple[Edit, ...]") -> None:
    """Put these edits in place of all, of which the last is still being typed."""
    st.session_state[_key(run_id)] = edits


def turn(run_id: str) -> int:
    """Return a number that is another one whenever edits change in any way but by typing."""
    count: int = st.session_state.get(f"{_key(run_id)}_turn", 0)
    return count


def _put(run_id: str, edits: "tuple[Edit, ...]") -> None:
    st.session_state[_key(run_id)] = edits
    st.session_state[f"{_key(run_id)}_turn"] = turn(run_id) + 1


def _key(run_id: str) -> str:
    return f"edits_{run_id}"
