"""The pictures of one class: some can be chosen, others pasted, and a camera takes them in bursts."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shared.widgets.browser_values import file_in, sent_by
from pages.shared.widgets.request_gate import with_gate
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="tray">
  <div class="camera" hidden>
    <video playsinline muted aria-label="Camera"></video>
    <button type="button" class="control"></button>
  </div>
  <p class="told" role="status"></p>
  <div class="tiles" role="group"></div>
</div>
"""
MOST, LONGEST = 12, 3_000_000  # pictures that come at once, and characters of each
_START = "data:image/jpeg;base64,"
_KINDS = ("shot", "pasted")
_tray = st.components.v2.component(
    "picture_tray",
    html=_HTML,
    css=(_HERE / "picture_tray.css").read_text(encoding="utf-8"),
    js=script_file("picture_tray", with_gate(_HERE / "picture_tray.js")),
)


@dataclass(frozen=True)
class TrayPicture:
    """A picture on the tray: its id, its name, shown as it is, and its JPEG file; empty while it is decoded."""

    id: str
    name: str
    file: bytes


def arrived(key: str) -> list[tuple[str, bytes]]:
    """Return the pictures that the browser has sent since it was asked last, each "shot" or "pasted" and a JPEG file.

    What they hold comes from the browser: they are to be opened like uploads.
    """
    sent = sent_by(key, "pictures")
    if not isinstance(sent, Mapping) or sent.get("mark") == st.session_state.get(f"{key}_mark"):
        return []
    st.session_state[f"{key}_mark"] = sent.get("mark")
    listed = sent.get("pictures")
    found = []
    for each in listed[:MOST] if isinstance(listed, list) else []:
        kind, address = (each.get("kind"), each.get("picture")) if isinstance(each, Mapping) else (None, None)
        jpeg = file_in(address, _START, LONGEST)
        if kind in _KINDS and jpeg is not None:
            found.append((str(kind), jpeg))
    return found


def chosen(key: str) -> frozenset[str]:
    """Return the ids that the browser says are chosen; some may be of pictures that are gone."""
    ids = sent_by(key, "chosen")
    return frozenset(each for each in ids if isinstance(each, str)) if isinstance(ids, list) else frozenset()


def picture_tray(key: str, pictures: Sequence[TrayPicture], *, label: str, box: str, camera: bool = False) -> None:
    """Show pictures to choose from; `arrived` and `chosen` tell what the browser sent: ask them before this is drawn.

    Args:
        key: Streamlit's key.
        pictures: What is on the tray.
        label: What they are, for a screen reader.
        box: Streamlit's key of the container around: what is pasted while the pointer is in it is for this tray.
        camera: Whether the camera is on.
    """
    tiles = [
        {"id": each.id, "name": each.name, "file": base64.b64encode(each.file).decode("ascii")} for each in pictures
    ]
    _tray(
        key=key,
        data={"pictures": tiles, "label": label, "box": f".st-key-{box}", "camera": camera},
        on_pictures_change=_nothing,
        on_chosen_change=_nothing,
    )


def _nothing() -> None:
    """Do nothing: the fragment around the tray runs again, which is all that is wanted."""
