"""The edits that this session has made in its copy of each network, and what they are called."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.model.handmade import KERNELS
from core.probe.kernel_matching import best_matches

if TYPE_CHECKING:
    from core.probe.surgery import Edit

MOST = 50


def edits_of(run_id: str) -> "tuple[Edit, ...]":
    """Return what was changed in the copy of a run's network, first to last."""
    kept: tuple[Edit, ...] = st.session_state.get(_key(run_id), ())
    return kept


def add(run_id: str, edit: "Edit") -> None:
    """Change the copy once more."""
    _put(run_id, (*edits_of(run_id), edit)[:MOST])


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


def words(edit: "Edit") -> str:
    """Say what an edit does."""
    from core.probe.surgery import Off, Swap

    if isinstance(edit, Off):
        return f"{edit.layer}: filter {edit.filter} off"
    if isinstance(edit, Swap):
        return f"{edit.layer}: filters {edit.a} and {edit.b} swapped"
    return f"{edit.layer}: filter {edit.filter} has another kernel{_named(np.asarray(edit.kernel))}"


def _named(kernel: np.ndarray) -> str:
    """Name a kernel that is one of the hand-made ones up to a factor, the same for all channels."""
    stack = kernel.reshape(-1, *kernel.shape[-2:])
    side = stack.shape[1]
    if side != stack.shape[2] or side < 3 or side % 2 == 0 or not np.allclose(stack, stack[0]):
        return ""
    (match,) = best_matches(stack[None])
    return f" ({KERNELS[match.name].title})" if match.name and match.sign > 0 and match.cosine > 1 - 1e-9 else ""
