"""The camera's moving picture, and over it what a network answers to one frame after another."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.widgets.browser_values import file_in, sent_by
from pages.shared.widgets.request_gate import with_gate
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = """
<div class="camera">
  <div class="stage">
    <figure class="live">
      <div class="view">
        <video playsinline muted aria-label="Camera"></video><canvas class="still"></canvas><img class="map" alt="">
        <div class="turned"><div class="found"></div></div>
        <p class="off"></p>
      </div>
    </figure>
    <div class="side">
      <div class="head"><div class="said"></div><output class="rate"></output></div>
      <div class="bars"></div>
      <figure class="seen"><div class="view small"><img class="received" alt=""><img class="map" alt=""></div>
      <figcaption></figcaption></figure>
    </div>
  </div>
  <div class="controls">
    <button type="button" class="go primary"></button>
    <button type="button" class="freeze">Use this frame</button>
    <button type="button" class="file">Take or choose a photograph</button>
    <input class="chosen" type="file" accept="image/*" capture="environment" hidden>
    <label class="method">Map <select></select></label>
    <label class="strength">Opacity <input type="range" min="0" max="100" value="70"></label>
  </div>
  <p class="told" role="status"></p>
</div>
"""
LONGEST_FRAME, LONGEST_SHOT = 600_000, 4_000_000  # characters of what the browser sends
_START = "data:image/jpeg;base64,"
_camera = st.components.v2.component(
    "camera_view",
    html=_HTML,
    css=(_HERE / "camera_view.css").read_text(encoding="utf-8"),
    js=script_file("camera_view", with_gate(_HERE / "camera_view.js")),
)


@dataclass(frozen=True)
class Frame:
    """One frame that waits for its answer: its number, its JPEG file and the key of the map that is asked for."""

    number: int
    jpeg: bytes
    method: str


@dataclass(frozen=True)
class ClassBar:
    """The bar of a class: its name, shown as it is, how full it is (0 to 1), its number in words, whether it leads."""

    name: str
    share: float
    number: str
    leads: bool = False


@dataclass(frozen=True)
class FrameAnswer:
    """What is shown of the answer to a frame.

    Attributes:
        number: That of the frame.
        bars: The classes.
        received: The frame as the network receives it, a PNG file.
        layer: The map, a PNG file with transparency; empty for none.
        whole: Whether the map lies over the whole frame; else over what the network receives.
        found: Left, top, right and bottom of what was cut out, as shares of the sides, and by how many degrees the
            frame was turned for that, counter-clockwise; None where it is the whole.
        words: What else is to be said, one sentence; or why there is no answer.
    """

    number: int
    bars: Sequence[ClassBar] = ()
    received: bytes = b""
    layer: bytes = b""
    whole: bool = True
    found: tuple[float, float, float, float, float] | None = None
    words: str = ""


def waiting_frame(key: str) -> Frame | None:
    """Return the frame that the browser sent for this run of the script, None unless it is one.

    What it holds comes from the browser: open it like an upload.
    """
    value = sent_by(key, "frame")
    if not isinstance(value, Mapping):
        return None
    number, method = value.get("number"), value.get("method")
    jpeg = file_in(value.get("jpeg"), _START, LONGEST_FRAME)
    if type(number) is not int or not isinstance(method, str) or not jpeg:
        return None
    return Frame(number, jpeg, method)


def still_shot(key: str) -> bytes | None:
    """Return the still that was taken for this run of the script, a JPEG file; open it like an upload."""
    return file_in(sent_by(key, "shot"), _START, LONGEST_SHOT) or None


def camera_view(
    key: str,
    *,
    side: int,
    still_side: int,
    input_size: tuple[int, int],
    methods: Mapping[str, str],
    answer: FrameAnswer | None,
) -> None:
    """Show the camera, off until it is started; each answered frame asks for the next.

    `waiting_frame` and `still_shot` tell what was sent: ask them before this is drawn.

    Args:
        key: Streamlit's key.
        side: Pixels of the square that a frame is shrunk to.
        still_side: Those of a still, at most.
        input_size: Height and width that the network takes.
        methods: The maps that can be chosen, by their keys, with their titles.
        answer: To the frame that was sent last.
    """
    _camera(
        key=key,
        data={
            "side": side,
            "still": still_side,
            "height": input_size[0],
            "width": input_size[1],
            "methods": dict(methods),
            "answer": None if answer is None else _packed(answer),
        },
        on_frame_change=_nothing,
        on_shot_change=_nothing,
    )


def _packed(answer: FrameAnswer) -> dict[str, Any]:
    files = {name: base64.b64encode(getattr(answer, name)).decode("ascii") for name in ("received", "layer")}
    return {**asdict(answer), **files}


def _nothing() -> None:
    """Do nothing: the fragment around the camera runs again, which is all that is wanted."""
