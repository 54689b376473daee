"""Data sets that come as arrays: how their files were understood, and what may be corrected before they come in."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data.importing.array_writer import at_look
from core.data.importing.decoder_worker import FITS, ImageFormat
from core.data.importing.labelled_images import LabelledImages, Orientation
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from PIL.Image import Image

_COLOURS = {"colour": "Colour", "grey": "Grey"}


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Show how files were understood, as (what, how), side by side."""
    with st.container(horizontal=True, gap="small", key="own_facts"):
        for what, how in facts:
            with st.container(width=140, gap=None):
                st.caption(what)
                st.markdown(escape_markdown(how))


def ask_orientation(key: str, contents: LabelledImages) -> LabelledImages:
    """Ask whether the images are to be read in another way than their format says."""
    with st.container(horizontal=True, gap="medium"):
        turned = st.toggle(
            "Swap rows and columns",
            contents.orientation.transposed,
            key=f"own_transposed_{key}",
            help="For images that lie on their side and are mirrored: some files store columns one after the other.",
        )
        inverted = st.toggle(
            "Swap light and dark",
            key=f"own_inverted_{key}",
            help="Networks that learned digits light on black read ink on paper badly, and the other way round.",
        )
    return contents.oriented(Orientation(turned, inverted))


def ask_array_look(key: str, contents: LabelledImages, side: int, colour: bool) -> ImageFormat:
    """Ask what arrays are brought to, where they leave a choice."""
    fit = "crop"
    with st.container(horizontal=True, gap="medium"):
        if colour:
            colour = ask_one("Colours", _COLOURS, f"own_colour_{key}") == "colour"
        if contents.shape[1] != contents.shape[2]:
            fit = ask_one("How they become square", FITS, "own_fit")
    return ImageFormat(side, colour, fit)


def first_images(key: str, contents: LabelledImages, look: ImageFormat, most: int) -> dict[int, bytes]:
    """Return the first image of each of the first classes at a look, as PNG, by class."""
    firsts = {}
    for label in range(min(most, len(contents.class_names))):
        places = np.flatnonzero(contents.labels == label)
        if len(places):
            firsts[label] = int(places[0])
    images = _images(key, contents.orientation, tuple(firsts.values()), contents)
    return {label: png_of(_picture(at_look(images[place][None], look)[0])) for label, place in firsts.items()}


@st.cache_data(show_spinner=False, max_entries=16)
def _images(
    key: str, orientation: Orientation, places: tuple[int, ...], _contents: LabelledImages
) -> dict[int, NDArray[np.uint8]]:
    return _contents.take(places)


def _picture(pixels: NDArray[np.uint8]) -> "Image":
    from PIL import Image

    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def png_of(image: "Image") -> bytes:
    """Return a picture as a PNG file."""
    content = BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
