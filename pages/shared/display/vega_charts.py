"""Vega-Lite charts that keep their state (zoom) while their data change, with compact data tables."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.figures.annotations import Rows


def chart(
    spec: Mapping[str, Any],
    rows: Rows,
    *,
    key: str,
    alt: str,
    on_select: Callable[[], None] | None = None,
    **more: Rows,
) -> None:
    """Draw a Vega-Lite description over rows, and over `more` of them by name; as long as only rows change, it stays.

    A row maps columns to words or numbers. A zoom is declared as a selection that a script asks for: any other one
    Streamlit forgets as soon as rows come. `on_select` is called when any selection of its layers changes.
    """
    named = {name: _table(data) for name, data in more.items() if data}
    if len(named) == 1:  # a lone one the browser would take for the rows
        named["none"] = _table([])
    selections = [param["name"] for layer in spec.get("layer", []) for param in layer.get("params", ())]
    st.vega_lite_chart(
        _table(rows),
        {**spec, "datasets": named} if named else dict(spec),
        key=key,
        alt=alt,
        on_select=(on_select or _nothing) if selections else "ignore",
        selection_mode=selections,
    )


def _nothing() -> None:
    """Do nothing: a callback is needed for Streamlit to keep the zoom."""


def _table(rows: Rows) -> Any:
    """Return rows as a table of few bytes: short numbers, and repeated words only once."""
    import pyarrow as pa  # this late: the first page is up before it is needed

    words = pa.dictionary(pa.int8(), pa.string())
    columns = rows[0].items() if rows else ()
    kinds = [(name, words if isinstance(value, str) else pa.float32()) for name, value in columns]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))
