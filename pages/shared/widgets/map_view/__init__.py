"""A picture, or a heatmap over it, that can be read: pointing at a pixel shows its values, in all maps at once."""

import base64
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="frame" tabindex="0" role="img"><img alt=""><div class="field"></div><div class="pixel"></div></div>
<div class="readout" aria-live="polite"></div>
"""
_view = st.components.v2.component(
    "map_view",
    html=_HTML,
    css=(_HERE / "map_view.css").read_text(encoding="utf-8"),
    js=script_file("map_view", (_HERE / "map_view.js").read_text(encoding="utf-8")),
)


@dataclass(frozen=True)
class Field:
    """What the cells of a layer's maps see of the picture.

    Attributes:
        rows: For each row of cells the first pixel row that it sees, and the one behind the last.
        cols: The same for each column.
    """

    rows: tuple[tuple[int, int], ...]
    cols: tuple[tuple[int, int], ...]


def map_view(
    shown: np.ndarray,
    pixels: np.ndarray,
    *,
    first: bool = False,
    key: str,
    label: str,
    group: str,
    values: np.ndarray | None = None,
    word: str = "attribution",
    hint: str = "",
    field: Field | None = None,
) -> None:
    """Show a picture whose pixels can be pointed at, or walked over with the arrow keys.

    Args:
        shown: What is seen, uint8 (h, w, 3), one or more of its pixels for each of the picture's.
        pixels: The picture as the network received it, uint8 (C, H, W).
        first: Whether this is the one map of its group that carries the pixels for all to read.
        key: Streamlit's key.
        label: What it shows, for a screen reader.
        group: A place pointed at in one map is marked in all of the same group.
        values: What to read beside the pixel, float (H, W).
        word: What such a value is called.
        hint: What stands below as long as nothing is pointed at.
        field: Frame what the cell under the pointer sees.
    """
    file = io.BytesIO()
    Image.fromarray(shown).save(file, "PNG")
    _view(
        key=key,
        data={
            "png": _text(file.getvalue()),
            "pixels": _text(np.ascontiguousarray(pixels.transpose(1, 2, 0)).tobytes()) if first else None,
            "values": None if values is None else _text(np.ascontiguousarray(values, dtype="<f4").tobytes()),
            "height": pixels.shape[1],
            "width": pixels.shape[2],
            "label": label,
            "group": group,
            "word": word,
            "hint": hint,
            "field": None if field is None else asdict(field),
        },
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
