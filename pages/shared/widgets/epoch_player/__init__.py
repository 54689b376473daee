"""One thing at many moments: a strip to choose from, the chosen moment large, and a button that plays them all."""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from pages.shared.widgets.grid_assets import script
from pages.shared.widgets.play import SCRIPT, STYLE, play_button
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = f"""
<div class="room">
  <div class="stage"></div>
  <div class="controls">
    {play_button()}
    <input type="range" min="0" step="1">
    <output aria-live="polite"></output>
  </div>
  <div class="strips"></div>
</div>
"""
_book = st.components.v2.component(
    "flip_book",
    html=_HTML,
    css=(_HERE / "epoch_player.css").read_text(encoding="utf-8") + STYLE,
    js=script_file("epoch_player", script(SCRIPT, _HERE / "epoch_player.js")),
)


@dataclass(frozen=True)
class Frame:
    """One picture of a strip; its words are shown as they are.

    Attributes:
        moment: Its place among the moments, which other strips may share.
        title: What stands under it first.
        share: How full the bar under that is, 0 to 1; None for no bar.
        lines: What stands on the bar and below it.
        missing: Why there is no picture; empty where there is one.
    """

    moment: int
    title: str
    share: float | None = None
    lines: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class FrameRow:
    """Pictures in the order of their moments, and what they are of, shown as it is; empty if there is one strip."""

    title: str
    leaves: tuple[Frame, ...]


def flip_book(
    png: bytes,
    *,
    width: int,
    height: int,
    columns: int,
    picture: str,
    moments: Sequence[str],
    strips: Sequence[FrameRow],
    key: str,
    label: str,
    chosen: int,
) -> int:
    """Show strips of pictures and, large, the picture they are about beside those of the chosen moment.

    Playing, and moving by slider or arrow key, happens in the browser; the script runs again once that rests.

    Args:
        png: The sheet, `columns` tiles a row: first the picture itself, then the leaves of all strips.
        width: Width of a tile in pixels of the sheet.
        height: Height of a tile in pixels of the sheet.
        columns: Tiles in a row of the sheet.
        picture: What the first tile shows.
        moments: The names of all moments in order.
        strips: One or more. Where a strip has no leaf of a moment, its last one before that is shown large.
        key: Streamlit's key; another key forgets the choice.
        label: What the pictures show, for a screen reader.
        chosen: The moment that is chosen at first, and again whenever this changes; not to follow the choice.

    Returns:
        The chosen moment.
    """
    result = _book(
        key=key,
        on_moment_change=_nothing,
        data={
            "png": base64.b64encode(png).decode("ascii"),
            "width": width,
            "height": height,
            "columns": columns,
            "picture": picture,
            "moments": list(moments),
            "strips": [asdict(strip) for strip in strips],
            "label": label,
            "chosen": chosen,
        },
    )
    moment = result.moment
    return moment if type(moment) is int and 0 <= moment < len(moments) else chosen


def _nothing() -> None:
    """Do nothing: that Streamlit runs the fragment again is all that is wanted."""
