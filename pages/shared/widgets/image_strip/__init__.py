"""Small pictures side by side that change in place, each with bars beneath it if there are any."""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from pages.shared.widgets.full_rows import SCRIPT
from pages.shared.widgets.grid_assets import script
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_film = st.components.v2.component(
    "film",
    html='<div class="room"><div class="film"></div></div>',
    css=(_HERE / "image_strip.css").read_text(encoding="utf-8"),
    js=script_file("image_strip", script(SCRIPT, _HERE / "image_strip.js")),
)


@dataclass(frozen=True)
class Bar:
    """One bar: its name, shown as it is, how full it is (0 to 1), its number in words, and whether it stands out."""

    name: str
    share: float
    number: str
    strong: bool = False


@dataclass(frozen=True)
class Caption:
    """What stands under a picture: a title, shown as it is, with a sign before it, and bars."""

    title: str
    sign: str
    bars: tuple[Bar, ...]


def film(
    png: bytes,
    *,
    count: int,
    width: int,
    height: int,
    columns: int,
    key: str,
    label: str,
    side: int = 56,
    captions: Sequence[Caption] = (),
) -> None:
    """Show a sheet of tiles as a row that wraps; new pictures take the place of the old ones without a flicker.

    Args:
        png: The sheet: `count` tiles side by side, row after row, `columns` of them in each row.
        count: Number of tiles.
        width: Width of a tile in pixels of the sheet.
        height: Height of a tile in pixels of the sheet.
        columns: Tiles in a row of the sheet.
        key: Streamlit's key.
        label: What the pictures show, for a screen reader.
        side: About how many screen pixels a tile is wide: each pixel of the sheet becomes a whole number of them.
        captions: One for each tile, or none at all.
    """
    _film(
        key=key,
        data={
            "png": base64.b64encode(png).decode("ascii"),
            "count": count,
            "width": width,
            "height": height,
            "columns": columns,
            "label": label,
            "scale": max(1, round(side / width)),
            "captions": [asdict(caption) for caption in captions],
        },
    )
