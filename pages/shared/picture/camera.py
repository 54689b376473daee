"""The camera as an input: a network's answer to the moving picture, and a still of it as the picture of all pages."""

import hashlib
import threading
from typing import TYPE_CHECKING

import streamlit as st

from core.data.images import decode_upload
from core.data.plain_rgb import KEPT_SIDE
from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.figures.overlays import map_layer
from core.formatting import share
from core.inference.network import Network
from pages.shared.picture.split_images import png
from pages.shared.picture.upload import kept
from pages.shared.shell import session
from pages.shared.shell.job_board import Lane, threads_of
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.camera_view import ClassBar, Frame, FrameAnswer, camera_view, still_shot, waiting_frame

if TYPE_CHECKING:
    from core.explain.live import LiveAnswer

KEY, STILL = "live_camera", "Your photograph"
ALL_CLASSES, TOP_CLASSES = 10, 5  # so many classes have a bar each, in their own order; of more, the likeliest have
LATEST = 1.0  # seconds that a frame waits for its turn among those of all sessions before it is dropped


def ask_camera(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Offer the camera; a still of it becomes the choice."""
    _live(network, choice.paper)
    if choice.kind == "camera":
        st.caption(f"{STILL} is the picture of all pages.")
    return choice


@st.fragment
def _live(network: Network, find_digit: bool) -> None:
    """Draw the camera as a fragment of its own: a frame draws nothing else anew."""
    from core.explain.compatibility import incompatibility
    from core.explain.live import LIVE_METHODS, frame_side

    shot = still_shot(KEY)
    with show_errors():
        if shot is not None and _take(shot):
            st.rerun()
    with show_errors():
        methods = {name: METHODS[name].title for name in LIVE_METHODS if incompatibility(network.model, name) is None}
        frame = waiting_frame(KEY)
        camera_view(
            KEY,
            side=frame_side(network.input_shape),
            still_side=KEPT_SIDE,
            input_size=network.input_shape[1:],
            methods=methods,
            answer=None if frame is None else _answer(network, frame, find_digit, methods),
        )


def _take(shot: bytes) -> bool:
    """Choose a still for all pages; say whether it is another than before. Raises `ImageError`."""
    mark = hashlib.blake2b(shot, digest_size=12).hexdigest()
    before = session.choice()
    if before is not None and (before.kind, before.file_id) == ("camera", mark):
        return False
    session.choose(kept(decode_upload(shot).image, "camera", STILL, mark))
    return True


@st.cache_resource(show_spinner=False)
def _turns() -> threading.BoundedSemaphore:
    """Return what lets as many frames of all sessions be answered at once as there are threads for short work."""
    return threading.BoundedSemaphore(threads_of(Lane.SHORT))


def _answer(network: Network, frame: Frame, find_digit: bool, methods: dict[str, str]) -> FrameAnswer:
    """Answer a frame, or say in a sentence why that cannot be."""
    from core.explain.live import answer_frame

    turns = _turns()
    if not turns.acquire(timeout=LATEST):
        return FrameAnswer(frame.number, words="The server is busy with other cameras.")
    try:
        method = frame.method if frame.method in methods else None
        return _shown(network, frame.number, answer_frame(network, frame.jpeg, method, find_digit=find_digit))
    except ConvScopeError as error:
        return FrameAnswer(frame.number, words=str(error))
    finally:
        turns.release()


def _shown(network: Network, number: int, answer: "LiveAnswer") -> FrameAnswer:
    layer = b""
    if answer.heatmap is not None:
        layer = png(map_layer(answer.heatmap.numpy(), signed=answer.signed).transpose(2, 0, 1))
    paper, place = answer.paper, None
    if paper is not None and paper.ink is not None:
        place = (*paper.box, paper.angle)
    return FrameAnswer(number, _bars(network, answer), png(answer.pixels.numpy()), layer, answer.whole, place)


def _bars(network: Network, answer: "LiveAnswer") -> tuple[ClassBar, ...]:
    values, names = answer.probabilities.numpy(), network.class_names
    order = range(len(values)) if len(values) <= ALL_CLASSES else (-values).argsort(kind="stable")[:TOP_CLASSES]
    return tuple(
        ClassBar(names[index], float(values[index]), share(float(values[index])), index == answer.best)
        for index in map(int, order)
    )
