"""All filters of a convolution as one picture: which to show, in which order and how."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.grids import colorize, filters_as_rgb
from core.figures.scales import ColorScale
from core.runs.records import Run
from pages.shared import results
from pages.shared.controls import ask_one
from pages.shared.kernels import Filters, details, filters_of
from pages.shared.layout import show_errors
from pages.shared.maps import color_bar, grid
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOMENTS = {"now": "Now", "before": "Before training"}
ORDERS = {"number": "By number", "strength": "Strongest first"}
COLOURS, STRONGEST, MEAN = -1, -2, -3  # views of a filter; any other number is an input channel


@st.fragment
def filter_grid(run: Run) -> None:
    """Show the filters of a convolution as one picture, and the chosen one below it with its numbers."""
    with show_errors():
        layer = _pick_convolution(run)
        if layer is None:
            return
        with st.container(horizontal=True, gap="medium"):
            moment = ask_one("Weights", MOMENTS, f"moment_{run.id}")
            order = ask_one("Order", ORDERS, "filter_order")
            filters = filters_of(run, layer, before=moment == "before")
            view = _ask_view(run, filters)
        random = " These are the random numbers that training began with." if moment == "before" else ""
        st.markdown(f"{_headline(filters, view)}.{random}")
        pixels = _draw(filters, view)
        places = filters.by_strength if order == "strength" else list(range(len(pixels)))
        key = f"{run.id}_{layer}".replace(".", "_")
        place = grid(
            pixels[places],
            key=f"filters_{key}_{order}",
            label=f"Filters of {layer}",
            names=[_name(filters, index, view) for index in places],
            dead=[places.index(index) for index in filters.dead],
            selected=Selection(0, pixels.shape[1] // 2, pixels.shape[2] // 2),
        )
        _dead_note(filters)
        chosen = places[place.tile]
        channel = int(filters.strongest[chosen]) if view in (STRONGEST, MEAN) else max(view, 0)
        details(filters, chosen, channel, place, f"kernels_{key}")


def _pick_convolution(run: Run) -> str | None:
    from core.probe.kernels import filter_layers, filters

    model = results.model(run)
    shapes = {name: tuple(filters(model, name).shape) for name in filter_layers(model)}
    if not shapes:
        st.info("This network has no convolution and so no filters: add one on the build page and train again.")
        return None
    return st.pills(
        "Convolution",
        list(shapes),
        default=next(iter(shapes)),
        format_func=lambda name: f"{name} :small[{shapes[name][0]} filters]",
        required=True,
        key=f"convolution_{run.id}",
        persist_state="session",
    )


def _ask_view(run: Run, filters: Filters) -> int:
    """Ask what to show of filters that look at several channels."""
    count = len(filters.channels)
    if count == 1:
        return 0
    options = {COLOURS: "All, as colours"} if filters.rgb else {STRONGEST: "The strongest", MEAN: "Mean of all"}
    options |= {index: name.capitalize() for index, name in enumerate(filters.channels)}
    chosen: int = st.selectbox(
        "Input channel",
        list(options),
        format_func=options.__getitem__,
        key=f"view_{run.id}_{filters.layer}",
        width=190,
        help=f"A filter has {count} kernels, one for each channel of its input. Choose the one to draw.",
    )
    return chosen


def _headline(filters: Filters, view: int) -> str:
    count, channels, height, width = filters.weights.shape
    if channels == 1:
        how = "one kernel each"
    elif view == COLOURS:
        how = "each in the mix of colours that it looks for"
    elif view == STRONGEST:
        how = f"each as the kernel that weighs most among its {channels}"
    elif view == MEAN:
        how = f"each as the mean of its {channels} kernels"
    else:
        how = f"each as its kernel for {filters.channels[view]}"
    return f"**{count} filters of {height} × {width}**, {how}"


def _draw(filters: Filters, view: int) -> "NDArray[np.uint8]":
    """Return a picture of each filter, and say what its colours mean."""
    if view == COLOURS:
        st.caption(
            "Mid-grey is zero, more of a colour is a positive weight, less of it a negative one. "
            "Each filter is scaled by its own largest weight."
        )
        return filters_as_rgb(filters.weights)
    scale = filters.scale
    if view == MEAN:
        values = filters.weights.mean(axis=1)
        scale = ColorScale.of(filters.trained.mean(axis=1), percentile=99, signed=True)
    elif view == STRONGEST:
        values = filters.weights[np.arange(len(filters.weights)), filters.strongest]
    else:
        values = filters.weights[:, view]
    color_bar(scale)
    return colorize(values, scale)


def _name(filters: Filters, index: int, view: int) -> str:
    return f"filter {index}" + (f", channel {filters.strongest[index]}" if view == STRONGEST else "")


def _dead_note(filters: Filters) -> None:
    count = len(filters.dead)
    if count:
        are = f"{count} of {len(filters.weights)} filters {'is' if count == 1 else 'are'}"
        st.caption(f"{are} hatched: practically zero, so nothing in a picture moves them.")
