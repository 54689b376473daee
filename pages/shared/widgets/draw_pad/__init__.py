"""A pad to draw on, and beside it what is left of the strokes at the network's size."""

from pathlib import Path

import streamlit as st

from pages.shared.widgets.browser_values import file_in
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="pad">
  <figure><div class="board"><canvas class="paper" tabindex="0" role="img"></canvas><div class="cursor"></div></div>
  <figcaption class="hint"></figcaption></figure>
  <figure class="seen"><canvas class="small" role="img"></canvas><figcaption></figcaption></figure>
</div>
<div class="bar">
  <button type="button" class="undo">Undo</button>
  <button type="button" class="clear">Clear</button>
  <label>Pen <input class="width" type="range" min="6" max="60" step="2"></label>
  <label class="colour">Colour <input class="pen" type="color"></label>
  <label class="colour">Paper <input class="ground" type="color"></label>
</div>
"""
LONGEST = 600_000  # characters of what the browser sends
_START = "data:image/png;base64,"
_pad = st.components.v2.component(
    "draw_pad",
    html=_HTML,
    css=(_HERE / "draw_pad.css").read_text(encoding="utf-8"),
    js=script_file("draw_pad", (_HERE / "draw_pad.js").read_text(encoding="utf-8")),
)


def draw_pad(key: str, *, size: tuple[int, int], pen: str, paper: str, colours: bool) -> bytes | None:
    """Show a pad and return the drawing as the content of a PNG file, None while nothing is drawn.

    Each finished stroke reruns the script. What is returned comes from the browser: open it like an upload.

    Args:
        key: Streamlit's key.
        size: Height and width that the network takes; the pad has their proportions.
        pen, paper: The colours to begin with, "#rrggbb".
        colours: Whether they can be chosen.
    """
    result = _pad(
        key=key,
        data={"height": size[0], "width": size[1], "pen": pen, "paper": paper, "colours": colours},
        on_png_change=lambda: None,
    )
    return drawn(result.png)


def drawn(value: object) -> bytes | None:
    """Return the file in what the browser sent, or None unless it is one."""
    return file_in(value, _START, LONGEST) or None
