"""All filters of a convolution: which to show, in which order and how, and what is asked of the chosen one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.grids import colorize, filters_as_rgb
from core.figures.scales import ColorScale
from core.formatting import dimensions
from core.inference.network import Network
from core.probe.filter_bank import Filters, filters_of
from pages.sections.filters.filter_order import ORDERS, Arrangement, arrange, dead_of, signed
from pages.sections.filters.kernels import details, scale_of
from pages.sections.filters.picture_button import picture_button
from pages.sections.filters.surgery.panel import surgery_panel
from pages.sections.filters.top_images import excites
from pages.shared.display.map_grid import color_bar, grid
from pages.shared.network.comparison import collect_results, side_by_side, unwrap
from pages.shared.network.network_map import ask_layer
from pages.shared.picture import input_image
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.probe.dead_filters import DeadFilters

COLOURS, STRONGEST, MEAN = -1, -2, -3  # views of a filter; any other number is an input channel


@dataclass(frozen=True, eq=False)
class Sheet:
    """The filters of a convolution and how they are drawn.

    Attributes:
        filters: The filters.
        alike: Those that have the same colours, itself among them: of both networks, or of this one only.
        view: What is drawn of each filter.
        order: Which filter stands where, and why.
        dead: Those that nothing moves.
    """

    filters: Filters
    alike: Sequence[Filters]
    view: int
    order: Arrangement
    dead: "DeadFilters"

    @property
    def scale(self) -> ColorScale:
        """The colours of all kernels."""
        return scale_of([each.trained for each in self.alike])

    @property
    def shown(self) -> "tuple[NDArray[np.float32], ColorScale]":
        """One kernel of each filter, float (N, kH, kW), and its colours."""
        filters, weights = self.filters, self.filters.weights
        if self.view == MEAN:
            return weights.mean(axis=1), scale_of([each.trained.mean(axis=1) for each in self.alike])
        channels = filters.strongest if self.view == STRONGEST else max(self.view, 0)
        return weights[np.arange(len(weights)), channels], self.scale

    def name(self, index: int) -> str:
        """Say which filter it is, and which of its kernels where that differs."""
        strongest = f", channel {self.filters.strongest[index]}" if self.view == STRONGEST else ""
        added = "" if self.order.added is None else f", adds {signed(self.order.added[index])}"
        return f"filter {index}{strongest}{added}"


def views(filters: Filters) -> dict[int, str]:
    """Return what can be drawn of a filter, and what that is called."""
    if len(filters.channels) == 1:
        return {0: "Its kernel"}
    options = {COLOURS: "All, as colours"} if filters.rgb else {STRONGEST: "The strongest", MEAN: "Mean of all"}
    return options | {index: name.capitalize() for index, name in enumerate(filters.channels)}


def explain(sheet: Sheet, *, random: bool = False) -> None:
    """Say what is drawn and what its colours mean."""
    beginning = " These are the random numbers that training began with." if random else ""
    st.markdown(f"{_headline(sheet.filters, sheet.view)}.{beginning}")
    if sheet.view == COLOURS:
        st.caption(
            "Mid-grey is zero, more of a colour is a positive weight, less of it a negative one. "
            "Each filter is scaled by its own largest weight."
        )
    else:
        color_bar(sheet.shown[1], sides=len(sheet.alike))


def _headline(filters: Filters, view: int) -> str:
    count, channels, *size = filters.weights.shape
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
    return f"**{count} filters of {dimensions(tuple(size))}**, {how}"


KEYBOARD_HELP = "With the keyboard: the arrow keys walk from filter to filter, Enter or Space chooses one."


@st.fragment
def filter_grid(networks: Sequence[Network]) -> None:
    """Show the filters of a convolution as one picture, and the chosen one below it with its numbers."""
    with show_errors():
        layer = _pick_convolution(networks[0])
        if layer is None:
            return
        results = collect_results(networks, partial(filters_of, layer=layer))
        first = unwrap(results[0])
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            order = ask_one("Order", ORDERS, "filter_order")
            view = _ask_view(networks[0].id, first)
            picture = picture_button(networks[0]) if order == "contribution" else None
        alike = [each for each in results if isinstance(each, Filters) and each.weights.shape == first.weights.shape]
        key = f"{networks[0].id}_{layer}".replace(".", "_")
        sheet = Sheet(first, alike, view, _arrange(networks[0], first, order, picture), dead_of(networks[0], first))
        if sheet.order.words:
            st.markdown(sheet.order.words)
        explain(sheet, random=len(networks) == 1 and networks[0].epoch == 0)
        chosen: dict[int, int] = {}

        def draw(side: int) -> Callable[[], None]:
            mine = _sheet(sheet, networks, side, unwrap(results[side]), order, picture) if side else sheet
            if side and mine.alike != sheet.alike:
                explain(mine)
            place = _show(mine, f"filters_{key}_{order}" + (f"_{picture.digest}" if picture else ""), side)
            chosen[side] = mine.order.places[place.tile]
            return partial(_details, mine, place, f"kernels_{key}", side, narrow=len(networks) > 1)

        side_by_side(networks, draw)
        if 0 in chosen:
            excites(networks[0], first, chosen[0], brand="A · " * (len(networks) > 1))
            surgery_panel(networks[0], first, chosen[0], picture, brand="A · " * (len(networks) > 1))


def _arrange(network: Network, filters: Filters, order: str, picture: input_image.InputImage | None) -> Arrangement:
    """Put filters in order; by number, under a sentence on why, where the network's answer is not a number."""
    with show_errors():
        return arrange(network, filters, order, picture)
    return arrange(network, filters, "number")


def _sheet(
    first: Sheet,
    networks: Sequence[Network],
    side: int,
    filters: Filters,
    order: str,
    picture: input_image.InputImage | None,
) -> Sheet:
    """Return the sheet of the second side; one of another shape has a view and colours of its own."""
    arrangement = _arrange(networks[side], filters, order, picture)
    if filters not in first.alike:
        return Sheet(filters, [filters], next(iter(views(filters))), arrangement, dead_of(networks[side], filters))
    if networks[side].id == networks[0].id:  # so that the moments can be compared tile by tile
        arrangement = replace(arrangement, places=first.order.places)
    return replace(first, filters=filters, order=arrangement, dead=dead_of(networks[side], filters))


def _pick_convolution(network: Network) -> str | None:
    from core.probe.kernels import filter_layers

    names = filter_layers(network.model)
    if not names:
        st.info("This network has no convolution and so no filters: add one on the build page and train again.")
        return None
    return ask_layer(network, "Convolution", names, f"convolution_{network.id}")


def _ask_view(run_id: str, filters: Filters) -> int:
    """Ask what to show of filters that look at several channels."""
    options = views(filters)
    if len(options) == 1:
        return next(iter(options))
    chosen: int = st.selectbox(
        "Input channel",
        list(options),
        format_func=options.__getitem__,
        key=f"view_{run_id}_{filters.layer}",
        width=190,
        help=f"A filter has {len(filters.channels)} kernels, one for each channel of its input. "
        "Choose the one to draw.",
    )
    return chosen


def _show(sheet: Sheet, key: str, side: int) -> Selection:
    """Show all filters and return the place that is chosen."""
    filters, places = sheet.filters, sheet.order.places
    pixels = filters_as_rgb(filters.weights) if sheet.view == COLOURS else colorize(*sheet.shown)
    place = grid(
        pixels[places],
        key=key,
        label=f"Filters of {filters.layer}",
        names=[sheet.name(index) for index in places],
        dead=[places.index(index) for index in sheet.dead.filters],
        selected=Selection(0, pixels.shape[1] // 2, pixels.shape[2] // 2),
        side=side,
    )
    words = sheet.dead.words(filters.layer, len(places))
    if words or not side:
        st.caption(words if side else f"{KEYBOARD_HELP} {words}")
    return place


def _details(sheet: Sheet, place: Selection, key: str, side: int, *, narrow: bool) -> None:
    chosen = sheet.order.places[place.tile]
    strongest = sheet.view in (STRONGEST, MEAN)
    channel = int(sheet.filters.strongest[chosen]) if strongest else max(sheet.view, 0)
    details(sheet.filters, chosen, channel, place, key, scale=sheet.scale, side=side, narrow=narrow)
