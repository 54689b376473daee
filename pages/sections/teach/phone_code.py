"""The code on the screen by which phones send pictures into a class."""

import html

import streamlit as st

from core.data.collection.codes import VALID_SECONDS
from core.data.collection.collection import ClassBox, Collection
from core.data.collection.registry import registry
from core.errors import DataError
from pages.shared.server.hosts import phone_address
from pages.shared.server.phone import PATH
from pages.shared.shell.layout import show_errors

_CODES = "teach_codes"  # codes that are shown, by the ids of classes
_STYLE = """<style>
.cs-code { display: flex; flex-direction: column; align-items: center; gap: 0.5rem; text-align: center; }
.cs-code img { width: min(100%, 15rem); image-rendering: pixelated; border-radius: 0.5rem; background: #fff; }
.cs-code span { font-size: 0.875rem; overflow-wrap: anywhere; opacity: 0.8; }
</style>"""


def is_shown(box: ClassBox) -> bool:
    """Say whether the code of a class is on the screen."""
    return box.id in _codes()


def toggle(box: str) -> None:
    """Show the code of a class, or take it away: then it is worth nothing any more."""
    if box in _codes():
        registry().codes.withdraw(code=_codes().pop(box))
    else:
        _codes()[box] = ""


def _codes() -> dict[str, str]:
    codes: dict[str, str] = st.session_state.setdefault(_CODES, {})
    return codes


def any_shown(boxes: tuple[ClassBox, ...]) -> bool:
    """Say whether the code of any class is on the screen, and phones may send at any moment."""
    return any(map(is_shown, boxes))


@show_errors()
def show_code(collection: Collection, box: ClassBox) -> None:
    """Show the code of a class, a new one once it has expired, or say what keeps phones away."""
    address, hindrance = phone_address(st.context.url or "")
    if not address:
        st.info(hindrance, icon=":material/phonelink_off:")
        return
    code = _codes().get(box.id, "")
    try:
        registry().codes.find(code)
    except DataError:
        code = _codes()[box.id] = registry().codes.issue(collection.token, box.id)
    target = f"{address}{PATH}/{code}"
    st.html(
        f'{_STYLE}<div class="cs-code"><img alt="QR code for phones" src="{_drawn(target)}">'
        f"<span>{html.escape(target)}</span></div>"
    )
    st.caption(
        "Scan it with the camera of any phone in the same network, of several at once. Their pictures appear here. "
        f"It works until you press “Phones off”, and {VALID_SECONDS / 60:.0f} minutes at most: then a new one is shown."
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _drawn(target: str) -> str:
    import segno

    drawn: str = segno.make(target, error="m", micro=False).svg_data_uri(
        scale=8, border=3, dark="#101516", light="#ffffff"
    )
    return drawn
