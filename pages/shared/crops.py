"""Moving the part of a picture that the network is shown."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data.crop import MIDDLE, Crop
from core.inference.network import Network
from pages.shared import state
from pages.shared.uploads import open_choice

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 320  # screen pixels of the original
ZOOM = 4.0
FRAME = (255, 140, 0)


def ask_crop(network: Network, choice: state.Choice) -> state.Choice:
    """Offer to move the part of a picture that the network is shown, and to make it smaller."""
    if choice.kind in ("test", "drawing"):
        return choice
    image, sides, which = open_choice(choice), network.input_shape[1:], choice.file_id or choice.name
    moved = "" if choice.crop == MIDDLE else " · moved"
    with st.expander(f"Move the crop{moved}", icon=":material/crop:"):
        zoom = st.slider("Closer", 1.0, ZOOM, choice.crop.zoom, 0.1, format="%.1f×", key=f"crop_zoom_{which}")
        left, top, right, bottom = Crop(zoom=zoom).box(image.size, sides)
        room = image.width - (right - left), image.height - (bottom - top)
        x = _ask("Left to right", choice.crop.x, room[0], f"crop_x_{which}")
        y = _ask("Top to bottom", choice.crop.y, room[1], f"crop_y_{which}")
        crop = Crop(x, y, zoom)
        st.image(
            _framed(image, crop.box(image.size, sides)),
            width=max(1, round(SIDE * image.width / max(image.size))),
            alt="Your picture; what the network is shown is framed and bright, the rest is dimmed",
        )
    return replace(choice, crop=crop)


def _ask(label: str, value: float, room: int, key: str) -> float:
    """Ask for a place in the room there is; in the middle where there is none."""
    chosen = st.slider(label, 0, 100, round(100 * value), format="%d%%", key=key, disabled=room < 1)
    return chosen / 100


def _framed(image: "Image", box: tuple[int, int, int, int]) -> np.ndarray:
    """Return a picture at screen size, dimmed but for a framed part."""
    share = 2 * SIDE / max(image.size)
    small = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))))
    pixels = np.asarray(small).copy()
    height, width = pixels.shape[:2]
    left, right = (min(width, round(side * share)) for side in (box[0], box[2]))
    top, bottom = (min(height, round(side * share)) for side in (box[1], box[3]))
    inner = pixels[top:bottom, left:right].copy()
    pixels = (pixels * 0.4).astype(np.uint8)
    pixels[max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3] = FRAME
    pixels[top:bottom, left:right] = inner
    return pixels
