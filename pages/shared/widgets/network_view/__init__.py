"""A drawn network as a map: a press on a layer, or Enter, goes there."""

from collections.abc import Callable, Collection
from pathlib import Path

import streamlit as st

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
