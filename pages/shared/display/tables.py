"""Tables for Streamlit, made without pandas: building a small frame costs the server more than all else about it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def from_columns(columns: Mapping[str, Sequence[Any]]) -> "pa.Table":
    """Return a table of columns of one length, each of one kind; None is a missing value."""
    import pyarrow as pa

    return pa.table(dict(columns))


def from_rows(rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    """Return a table of rows that all have the columns of the first."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows)
