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


def ask_drawing(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Ask for a drawing; each stroke makes it the choice."""
    channels, height, width = network.input_shape
    pen, paper = ("#ffffff", "#000000") if _dark(network) else ("#000000", "#ffffff")
    file = draw_pad(
        "draw_pad_grey" if channels == 1 else "draw_pad_colour",
        size=(height, width),
        pen=pen,
        paper=paper,
        colours=channels > 1,
    )
    if file is None:
        words = "Still chosen: your drawing." if choice.kind == "drawing" else "Draw with the mouse, a finger or a pen."
        st.caption(words)
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
