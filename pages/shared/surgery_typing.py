"""A kernel as a table to type in: every number that is typed takes effect at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.inference.network import Network
from pages.shared.surgery_edits import edits_of, retype, turn
from pages.shared.surgery_kernels import part_of, whole
from pages.shared.surgery_results import edited


def type_kernel(weights: Network, layer: str, index: int, channel: int) -> None:
    """Show the kernel of a filter of the copy as a table; what is typed becomes one edit, however many numbers it is.

    Args:
        weights: The network.
        layer: The convolution.
        index: Which filter.
        channel: Which of its kernels, or `ALL`: then one takes the place of all, at first their mean.
    """
    import pandas as pd

    from core.probe.kernels import filters
    from core.probe.surgery import Replace

    run_id, edits = weights.id, edits_of(weights.id)
    key = f"typed_{run_id}_{weights.epoch}_{layer}_{index}_{channel}_{turn(run_id)}"
    kept = st.session_state.get(f"typing_{run_id}")
    before = kept[1] if kept and kept[0] == key and key in st.session_state else edits  # the table began with these
    now = filters(edited(weights, before).model, layer).numpy()
    values = part_of(now, index, channel).mean(axis=0, dtype=np.float64)

    def follow() -> None:
        typed = retyped(values, st.session_state[key]["edited_rows"])
        try:
            edit = Replace(layer, index, whole(now, index, channel, typed))
        except ConvScopeError:
            return  # a cell is empty for the moment
        retype(run_id, before if np.array_equal(typed, values) else (*before, edit))
        st.session_state[f"typing_{run_id}"] = key, before

    columns = [str(column) for column in range(values.shape[1])]
    st.data_editor(
        pd.DataFrame(values, columns=columns),
        column_config={name: st.column_config.NumberColumn(width=76, format="%.3g", required=True) for name in columns},
        key=key,
        on_change=follow,
        width="content",
    )
    st.caption("Click a number twice, type another one and press Enter: it takes effect at once.")


def retyped(values: np.ndarray, rows: Mapping[Any, Mapping[str, Any]]) -> np.ndarray:
    """Return a kernel with the cells that were typed, by row and column; an empty or unusable one is not a number."""
    new = values.copy()
    for row, cells in rows.items():
        for column, value in cells.items():
            if column.isdigit() and int(row) < new.shape[0] and int(column) < new.shape[1]:
                new[int(row), int(column)] = value if isinstance(value, int | float) else np.nan
    return new
