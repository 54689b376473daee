"""A picture that is drawn here, with strokes as the network's data set has them."""

import hashlib
from dataclasses import replace

import streamlit as st

from core.data.images import decode_image
from core.inference.network import Network
from pages.shared.picture.upload import kept
from pages.shared.shell import session
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.draw_pad import draw_pad

_USED = "draw_pad_used"  # whether this pad has been drawn on


def ask_drawing(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Ask for a drawing; each stroke makes it the choice. While nothing is drawn the page ends here.

    A drawing of an earlier visit stays chosen until this pad is drawn on; one that is wiped off is gone.
    """
    channels, height, width = network.input_shape
    pen, paper = ("#ffffff", "#000000") if _dark(network) else ("#000000", "#ffffff")
    key = "draw_pad_grey" if channels == 1 else "draw_pad_colour"
    used = st.session_state.get(_USED, False) and key in st.session_state  # a pad of another visit is gone
    file = draw_pad(
        key,
        size=(height, width),
        pen=pen,
        paper=paper,
        colours=channels > 1,
    )
    st.session_state[_USED] = used or file is not None
    if file is None and (used or choice.kind != "drawing"):
        st.caption("Draw with the mouse, a finger or a pen: the answer comes with the first stroke.")
        st.stop()
    if file is None:
        st.caption("Still chosen: your drawing.")
        return _ask_centre(network, choice)
    mark = hashlib.blake2b(file, digest_size=12).hexdigest()
    if (choice.kind, choice.file_id) != ("drawing", mark):
        with show_errors():
            choice = kept(decode_image(file), "drawing", "Your drawing", mark)
    return _ask_centre(network, choice)


def _ask_centre(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Offer to lay the drawing out as the digits of the data set were; it stays chosen."""
    if not network.centred or choice.kind != "drawing":
        return choice
    centre = st.toggle(
        "Scale and centre it as in MNIST",
        value=choice.centre,
        key="draw_centre",
        persist_state="session",
        help="Every digit that the network learned from fills a box of 20 × 20 pixels and has its centre of mass in "
        "the middle. Off: it sees the drawing where you put it.",
    )
    return replace(choice, centre=centre)


def _dark(network: Network) -> bool:
    """Say whether the network learned from light strokes on black."""
    return network.brightness < 0.4
