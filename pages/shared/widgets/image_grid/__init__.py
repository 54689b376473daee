"""A sheet of pictures as a grid: point at a tile to read where you are, click a pixel to choose it."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import streamlit as st

from pages.shared.widgets.full_rows import SCRIPT
from pages.shared.widgets.grid_assets import script
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="tiles" role="group"></div>
<div class="readout" aria-live="polite"></div>
"""
_grid = st.components.v2.component(
    "image_grid",
    html=_HTML,
    css=(_HERE / "image_grid.css").read_text(encoding="utf-8"),
    js=script_file("image_grid", script(SCRIPT, _HERE / "image_grid.js")),
)


@dataclass(frozen=True)
class Selection:
    """A chosen pixel: the tile, and the row and column inside it, all counted from 0."""

    tile: int
    row: int
    col: int


def image_grid(
    png: bytes,
    *,
    count: int,
    width: int,
    height: int,
    columns: int,
    key: str,
    label: str,
    tile_labels: Sequence[str] = (),
    dead: Collection[int] = (),
    scale: float | None = None,
    selected: Selection | None = None,
) -> Selection | None:
    """Show a sheet of tiles as a grid that fits the width of the page; only a choice reruns the script.

    Args:
        png: The sheet: `count` tiles side by side, row after row, `columns` of them in each row.
        count: Number of tiles.
        width: Width of a tile in pixels of the sheet.
        height: Height of a tile in pixels of the sheet.
        columns: Tiles in a row of the sheet; on the screen their number follows the width.
        key: Streamlit's key; another key forgets the choice.
        label: What the grid shows, for a screen reader.
        tile_labels: A name for each tile, shown as it stands; "tile 0", "tile 1", … if empty.
        dead: Tiles with nothing to show, hatched.
        scale: Screen pixels for one pixel of the sheet; as many as look well if None.
        selected: What is chosen until the user chooses.

    Returns:
        The chosen pixel, or `selected` before there is one or when the sheet no longer has it.
    """
    result = _grid(
        key=key,
        on_selection_change=lambda: None,
        data={
            "png": base64.b64encode(png).decode("ascii"),
            "count": count,
            "width": width,
            "height": height,
            "columns": columns,
            "label": label,
            "labels": list(tile_labels),
            "dead": sorted(dead),
            "scale": scale,
            "selected": None if selected is None else astuple(selected),
        },
    )
    return _selection(result.selection, (count, height, width)) or selected


def _selection(value: object, limits: tuple[int, int, int]) -> Selection | None:
    """Return what the browser sent as a `Selection`, or None unless it is one of this sheet."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(type(index) is int and 0 <= index < limit for index, limit in zip(value, limits, strict=True)):
        return None
    return Selection(*value)
