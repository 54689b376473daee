"""The chosen picture, small, beside a button that opens the choice of another one."""

import streamlit as st

from core.inference.network import Network
from pages.shared.picture.input_image import InputImage
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import escape_markdown

THUMBNAIL_PX = 40  # screen pixels, as high as the button


def picture_button(network: Network) -> InputImage:
    """Show which picture the network of a run looks at, offer another one, and return it; once on a page."""
    st.html("<style>.st-key-picture_button [data-testid='stElementToolbar'] { display: none; }</style>")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="picture_button"):
        shown = st.empty()
        with st.popover("Picture", icon=":material/image:", help="Choose the picture that the network looks at"):
            picture = pick_picture(network)
        thumbnail(picture, shown)
    return picture


def thumbnail(picture: InputImage, place: "st.delta_generator.DeltaGenerator | None" = None) -> None:
    """Show a picture as small as an icon."""
    pixels = picture.array()
    zoom = max(1, -(-2 * THUMBNAIL_PX // max(pixels.shape[:2])))
    large = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    (place or st).image(large, width=THUMBNAIL_PX, alt=f"The chosen picture: {escape_markdown(picture.title)}")
