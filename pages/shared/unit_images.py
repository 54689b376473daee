"""What excites a filter: the training images that move it most with the part it saw, and a picture made for it."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.figures.scales import number
from core.figures.spotlights import spotlight
from pages.shared import networks, subjects
from pages.shared.anatomy import answers_of
from pages.shared.kernels import Filters
from pages.shared.layout import plain, show_errors
from pages.shared.pixels import statistics
from pages.shared.training_images import training_set, why_no_images
from pages.shared.unit_cards import Card, cards
from pages.shared.unit_fields import cut_out, field_of, inside
from pages.shared.unit_orders import answers_words

if TYPE_CHECKING:
    from core.probe.units import TopImages

IMAGES, SHOWN = 2000, 9
SIDE = 112  # about so many pixels wide are the pictures that go to the browser


@dataclass(eq=False)
class _Slot:
    """A place for what was found: a cache that can show its progress, filled by whoever comes first."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: "TopImages | None" = None


@st.cache_resource(show_spinner=False, max_entries=32)
def _slot(mark: tuple[Any, ...], layer: str) -> _Slot:
    return _Slot()


def top_of(weights: subjects.Weights, layer: str) -> "TopImages":
    """Find the training images that move each unit of a layer most, under a progress bar unless they are known.

    Raises:
        ConvScopeError: The training images cannot be had, or do not fit the network.
    """
    slot = _slot(weights.mark, layer)
    with slot.lock:
        if slot.found is None:
            from core.probe.units import top_images

            data = training_set(weights.run)
            bar = st.progress(0.0, text="Looking through the training images …")

            def tell(seen: int, total: int) -> None:
                bar.progress(seen / total, text=f"{seen:,} of {total:,} training images")

            slot.found = top_images(
                networks.model(weights),
                data.train.images,
                layer,
                SHOWN,
                normalize=data.normalize,
                max_images=IMAGES,
                progress=tell,
            )
            bar.empty()
        return slot.found


@st.fragment
def excites(weights: subjects.Weights, filters: Filters, index: int, *, brand: str = "") -> None:
    """Offer what excites a filter; while that is closed nothing is computed.

    Args:
        weights: The network.
        filters: All filters of the convolution.
        index: Which one.
        brand: What the title begins with where two networks are compared.
    """
    panel = st.expander(
        f"{brand}What excites it" + ": the training images that move a filter most" * (not why_no_images(weights.run)),
        icon=":material/bolt:",
        key=f"excites_{weights.run.id}",
        on_change="rerun",
    )
    if not panel.open:
        return
    with panel, show_errors():
        read = answers_of(weights, filters.layer)
        st.markdown(f"**What excites filter {index} of {filters.layer}**")
        strongest = None
        if reason := why_no_images(weights.run):
            st.caption(plain(reason))
        else:
            strongest = _top(weights, filters.layer, read, index)
        _preferred(weights, read, index, strongest)


def _top(weights: subjects.Weights, layer: str, read: str, index: int) -> float:
    """Show the images that move a filter most, and return its strongest answer to any."""
    found, data = top_of(weights, read), training_set(weights.run)
    values = found.values[index].tolist()
    if not values[0] > 0 and values[0] == values[-1]:
        st.info(
            f"None of {found.seen:,} training images moves it: its answer is {number(values[0])} to all of them. "
            "It is dead, or as good as dead.",
            icon=":material/block:",
        )
        return float(values[0])
    window = field_of(weights.run.spec, read)
    shown = []
    places = zip(*(rows[index].tolist() for rows in (found.indices, found.rows, found.cols)), strict=True)
    for (image, row, col), value in zip(places, values, strict=True):
        pixels = data.train.images[image].numpy().transpose(1, 2, 0)
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        title = data.class_names[int(data.train.labels[image])]
        box = inside(window.at(row, col), pixels.shape[:2])
        words = (
            f"Training image {image}, class {title}: rows {box[0]} to {box[2] - 1}, columns {box[1]} to {box[3] - 1}"
        )
        zoom = max(1, round(SIDE / max(pixels.shape[:2])))
        shown.append(
            Card(
                title=title,
                note=number(value),
                words=words,
                pictures=(spotlight(pixels, box, zoom=zoom), cut_out(pixels, window.at(row, col))),
            )
        )
    cards(shown)
    size = f"{window.size} × {window.size} pixels"
    st.caption(
        f"Strongest first, of {found.seen:,} training images: above, the image with the part that the filter saw "
        "framed; below, that part alone; then the image's class and the filter's strongest answer, "
        f"{answers_words(layer, read)}. It sees {size}; hatched is beyond the edge of the image."
    )
    return float(values[0])


def _preferred(weights: subjects.Weights, read: str, index: int, strongest: float | None) -> None:
    """Offer a picture made to excite a filter; `strongest` is its answer to any training image, if known."""
    key = f"preferred_{weights.run.id}"
    asked = (*weights.mark[:2], read, index)

    def want() -> None:
        st.session_state[key] = asked

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Preferred input", icon=":material/auto_awesome:", key=f"{key}_button", on_click=want)
        st.caption(
            "A picture made to excite it: from noise, its pixels are changed step by step in the direction that "
            "raises the filter's map (activation maximisation)."
        )
    if st.session_state.get(key) != asked:
        return
    with st.spinner("Climbing the gradient …"):
        pixels, answer = _preferred_input(weights.mark, read, index, weights)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
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


@st.cache_data(show_spinner=False, max_entries=128)
def _preferred_input(
    mark: tuple[Any, ...], layer: str, index: int, _weights: subjects.Weights
) -> tuple[np.ndarray, float]:
    """Return the picture, uint8 (H, W, 3), and the strongest answer to it."""
    from core.probe.activations import capture_activations
    from core.probe.preferred import preferred_input

    model, run = networks.model(_weights), _weights.run
    mean, std = statistics(run)
    image = preferred_input(model, layer, index, shape=run.spec.input_shape, mean=mean, std=std)
    answer = float(capture_activations(model, image[None], [layer])[layer][0, index].max())
    values = image.numpy() * np.array(std)[:, None, None] + np.array(mean)[:, None, None]
    pixels = (255 * values.clip(0, 1)).round().astype(np.uint8).transpose(1, 2, 0)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).copy(), answer
