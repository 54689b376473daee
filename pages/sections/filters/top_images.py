"""What excites a filter: the training images that move it most with the part it saw, and a picture made for it."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.overlays import spotlight
from core.formatting import number
from core.inference.network import Network
from core.probe.filter_bank import Filters
from core.probe.network_layers import readout_of, window_of
from core.probe.unit_windows import cut_out, inside
from core.progress import Progress
from pages.shared.display.image_cards import Card, cards
from pages.shared.network import current_network
from pages.shared.network.missing_images import missing_images
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.layout import show_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.probe.units import TopImages


IMAGES, SHOWN = 2000, 9
STEPS = 64  # uphill, for the preferred input
IMAGE_PX = 112  # about so many pixels wide are the pictures that go to the browser


def top_of(network: Network, layer: str) -> "TopImages | None":
    """Return the training images that move each unit of a layer most, or draw how far the search is and return None.

    Raises:
        ConvScopeError: The training images cannot be had, or the network cannot be read.
    """
    model, data = network.model, network.dataset()

    def work(tell: Progress) -> "TopImages":
        from core.probe.units import top_images

        images, normalize = data.train.images, data.normalize
        return top_images(model, images, layer, SHOWN, normalize=normalize, max_images=IMAGES, progress=tell)

    return background(
        ("top_images", *network.cache_key, layer),
        work,
        words="Looking through the training images",
        place=f"top_{network.id}",
        lane=lane_of(IMAGES * current_network.pass_seconds(network)),
    )


@st.fragment
def excites(network: Network, filters: Filters, index: int, *, brand: str = "") -> None:
    """Offer what excites a filter; while that is closed nothing is computed.

    Args:
        network: The network.
        filters: All filters of the convolution.
        index: Which one.
        brand: What the title begins with where two networks are compared.
    """
    panel = st.expander(
        f"{brand}What excites it" + ": the training images that move a filter most" * (not network.why_no_images),
        icon=":material/bolt:",
        key=f"excites_{network.id}",
        on_change="rerun",
    )
    if not panel.open:
        return
    with panel, show_errors():
        read = readout_of(network, filters.layer)
        st.markdown(f"**What excites filter {index} of {filters.layer}**")
        strongest = None
        if not missing_images(network, "excites_", consequence="Which images move it most is not known."):
            strongest = _top(network, filters.layer, read, index)
        _preferred(network, read, index, strongest)


def _top(network: Network, layer: str, read: str, index: int) -> float | None:
    """Show the images that move a filter most, and return its strongest answer to any; None until it is known."""
    top, data = top_of(network, read), network.dataset()
    if top is None:
        return None
    values = top.values[index].tolist()
    if not values[0] > 0 and values[0] == values[-1]:
        st.info(
            f"None of {top.num_images:,} training images moves it: its answer is {number(values[0])} to all of them. "
            "It is dead, or as good as dead.",
            icon=":material/block:",
        )
        return float(values[0])
    shown, widest = [], 0
    places = zip(*(rows[index].tolist() for rows in (top.indices, top.rows, top.cols)), strict=True)
    for (image, row, col), value in zip(places, values, strict=True):
        pixels = data.train.images[image].numpy().transpose(1, 2, 0)
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        title = data.class_names[int(data.train.labels[image])]
        window = window_of(network, read, row, col)
        box, widest = inside(window, pixels.shape[:2]), max(widest, window[2] - window[0])
        words = (
            f"Training image {image}, class {title}: rows {box[0]} to {box[2] - 1}, columns {box[1]} to {box[3] - 1}"
        )
        zoom = max(1, round(IMAGE_PX / max(pixels.shape[:2])))
        shown.append(
            Card(
                title=title,
                note=number(value),
                words=words,
                pictures=(spotlight(pixels, box, zoom=zoom), cut_out(pixels, window)),
            )
        )
    cards(shown)
    from core.probe.dead_filters import readout_words

    size = f"{widest} × {widest} pixels"
    st.caption(
        f"Strongest first, of {top.num_images:,} training images: above, the image with the part that the filter saw "
        "framed; below, that part alone; then the image's class and the filter's strongest answer, "
        f"{readout_words(layer, read)}. It sees {size}; hatched is beyond the edge of the image."
    )
    return float(values[0])


def _preferred(network: Network, read: str, index: int, strongest: float | None) -> None:
    """Offer a picture made to excite a filter; `strongest` is its answer to any training image, if known."""
    model, (mean, std) = network.model, network.statistics

    def work(tell: Progress) -> "tuple[NDArray[np.uint8], float]":
        from core.probe.activation_maximization import preferred_picture

        shape = network.input_shape
        return preferred_picture(model, read, index, shape=shape, mean=mean, std=std, steps=STEPS, progress=tell)

    with st.container(horizontal=True, vertical_alignment="center"):
        preferred = background(
            ("preferred", *network.cache_key, read, index),
            work,
            words="Climbing the gradient",
            place=f"preferred_{network.id}",
            ask="Preferred input",
            icon=":material/auto_awesome:",
            lane=lane_of(3 * STEPS * current_network.pass_seconds(network)),
        )
        st.caption(
            "A picture made to excite it: from noise, its pixels are changed step by step in the direction that "
            "raises the filter's map (activation maximisation)."
        )
    if preferred is None:
        return
    pixels, answer = preferred
    st.html("<style>.st-key-preferred_input img { outline: 1px solid #8883; }</style>")  # it may be white on white
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="preferred_input"):
        zoom = max(1, -(-192 // max(pixels.shape[:2])))
        large = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
        st.image(large, width=192, alt=f"The picture that filter {index} prefers")
        with st.container(width=420):
            compared = ""
            if strongest is not None:
                more = "more than" if answer > strongest else "no more than"
                compared = f", {more} to any training image ({number(strongest)})"
            st.markdown(f"Its strongest answer to this picture is **{number(answer)}**{compared}.")
            st.caption(
                "It shows what the filter looks for, all over the picture. Nothing else holds it to what pictures "
                "look like, so expect patterns rather than things."
            )
