"""A digit on paper, read as the drawing pad's is: found, cut out and laid out as MNIST's digits are."""

from dataclasses import astuple, replace

import streamlit as st

from core.data.paper_reading import NO_DIGIT, PaperReading
from core.inference.network import Network
from pages.shared.picture.upload import open_choice, picture_key
from pages.shared.shell import session


def reads_paper(network: Network, choice: session.PictureSelection) -> bool:
    """Say whether a picture may show a digit on paper: one from outside, for a network of MNIST-like digits."""
    return network.centred and choice.kind not in ("test", "drawing")


def paper_of(network: Network, choice: session.PictureSelection) -> PaperReading | None:
    """Return what was found on a chosen picture; None where nothing is looked for."""
    if not choice.paper or not reads_paper(network, choice):
        return None
    return _reading(picture_key(choice), astuple(choice.crop), network.input_shape[1:], network, choice)


@st.cache_resource(show_spinner=False, max_entries=16)
def _reading(
    key: tuple[str, bytes],
    crop: tuple[float, ...],
    sides: tuple[int, int],
    _network: Network,
    _choice: session.PictureSelection,
) -> PaperReading | None:
    return _network.read_paper(open_choice(_choice), _choice.crop)


def ask_paper(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Offer to take the picture as it is, and say what was found on it."""
    if not reads_paper(network, choice):
        return choice
    paper = st.toggle(
        "Find the digit on the paper",
        value=choice.paper,
        key="picture_paper",
        persist_state="session",
        help="Shadow, lines and paper are taken away, and the digit is scaled to 20 × 20 pixels and centred by its "
        "mass as every digit that the network learned from. Off: the whole picture is shrunk as it is.",
    )
    choice = replace(choice, paper=paper)
    reading = paper_of(network, choice)
    if reading is not None and reading.code:
        st.caption(NO_DIGIT[reading.code])
    elif reading is not None:
        st.caption(_words(reading))
    return choice


def _words(reading: PaperReading) -> str:
    done = []
    if reading.ruled:
        done.append("lines taken out")
    if reading.angle:
        done.append(f"turned straight by its lines ({abs(reading.angle):.1f}°)")
    if reading.thickened:
        done.append("thin strokes made as thick as MNIST's")
    return (
        f"A digit was found{': ' if done else ''}{', '.join(done)}. The network and all maps see the centred picture."
    )
