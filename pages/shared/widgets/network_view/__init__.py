"""A drawn network as a map, where a press on a layer, or Enter, goes there; and as a file."""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Literal

import streamlit as st

from core.figures.network_blocks import DrawnLayer
from core.figures.network_drawing import network_svg
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="scroll"></div>
<div class="readout" aria-live="polite"></div>
"""
_view = st.components.v2.component(
    "network_view",
    html=_HTML,
    css=(_HERE / "network_view.css").read_text(encoding="utf-8"),
    js=script_file("network_view", (_HERE / "network_view.js").read_text(encoding="utf-8")),
)


def network_view(
    svg: str, *, key: str, label: str, hint: str, names: Collection[str], choose: Callable[[str], object]
) -> None:
    """Show a drawing whose layers can be gone to; the arrow keys walk over them, Enter or Space goes to one.

    Args:
        svg: As `core.figures.network_drawing.network_svg` returns it; where it is too wide it scrolls, the current
            layer in view.
        key: Streamlit's key.
        label: What it shows, for a screen reader.
        hint: What stands below as long as nothing is pointed at.
        names: The layers that can be gone to.
        choose: Is told the one that was pressed, before the script runs again.
    """

    def follow() -> None:
        name = st.session_state[key].get("layer")
        if isinstance(name, str) and name in names:
            choose(name)

    _view(key=key, data={"svg": svg, "label": label, "hint": hint}, on_layer_change=follow)


def download_drawing(
    name: str, layers: Callable[[], Sequence[DrawnLayer]], *, type: Literal["secondary", "tertiary"] = "tertiary"
) -> None:
    """Offer the drawing of a network as a file with a legend.

    Args:
        name: The network's name.
        layers: Returns its layers as they are drawn; called when the file is asked for.
        type: Streamlit's kind of button.
    """
    file = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "network"
    st.download_button(
        "Drawing",
        lambda: network_svg(layers(), title=name, legend=True),
        f"{file}.svg",
        "image/svg+xml",
        icon=":material/download:",
        type=type,
        on_click="ignore",
        key="download_drawing",
        help="The network as a picture (SVG) with a legend, which opens in any browser or drawing program.",
    )
