"""All filters of a convolution as one picture: which to show, in which order and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.grids import colorize, filters_as_rgb
from core.figures.scales import ColorScale
from pages.shared import results
from pages.shared.compare import attempts, side_by_side, taken
from pages.shared.controls import ask_one
from pages.shared.kernels import Filters, details, filters_of, scale_of
from pages.shared.layout import show_errors
from pages.shared.maps import color_bar, dimensions, grid
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDERS = {"number": "By number", "strength": "Strongest first"}
COLOURS, STRONGEST, MEAN = -1, -2, -3  # views of a filter; any other number is an input channel


@dataclass(frozen=True, eq=False)
class Sheet:
    """The filters of a convolution and how they are drawn.

    Attributes:
        filters: The filters.
        alike: Those that have the same colours, itself among them: of both networks, or of this one only.
        view: What is drawn of each filter.
        order: One of `ORDERS`.
    """

    filters: Filters
    alike: Sequence[Filters]
    view: int
    order: str

    @property
    def places(self) -> list[int]:
        """Which filter stands where."""
        return self.filters.by_strength if self.order == "strength" else list(range(len(self.filters.weights)))

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
        return f"filter {index}{strongest}"


@st.fragment
def filter_grid(both: Sequence[results.Weights]) -> None:
    """Show the filters of a convolution as one picture, and the chosen one below it with its numbers."""
    with show_errors():
        layer = _pick_convolution(both[0])
        if layer is None:
            return
        found = attempts(both, partial(filters_of, layer=layer))
        first = taken(found[0])
        with st.container(horizontal=True, gap="medium"):
            order = ask_one("Order", ORDERS, "filter_order")
            view = _ask_view(both[0].run.id, first)
        alike = [each for each in found if isinstance(each, Filters) and each.weights.shape == first.weights.shape]
        key = f"{both[0].run.id}_{layer}".replace(".", "_")
        _explain(Sheet(first, alike, view, order), random=len(both) == 1 and both[0].epoch == 0)

        def draw(side: int) -> Callable[[], None]:
            filters = taken(found[side])
            sheet = Sheet(filters, alike, view, order)
            if filters not in alike:  # another shape: with a view and colours of its own
                sheet = Sheet(filters, [filters], next(iter(_views(filters))), order)
                _explain(sheet)
            place = _show(sheet, f"filters_{key}_{order}", side)
            return partial(_details, sheet, place, f"kernels_{key}", side, narrow=len(both) > 1)

        side_by_side(both, draw)


def _pick_convolution(weights: results.Weights) -> str | None:
    from core.probe.kernels import filter_layers, filters

    model = results.model(weights)
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
        key=f"convolution_{weights.run.id}",
        persist_state="session",
    )


def _views(filters: Filters) -> dict[int, str]:
    """Return what can be drawn of a filter, and what that is called."""
    if len(filters.channels) == 1:
        return {0: "Its kernel"}
    options = {COLOURS: "All, as colours"} if filters.rgb else {STRONGEST: "The strongest", MEAN: "Mean of all"}
    return options | {index: name.capitalize() for index, name in enumerate(filters.channels)}


def _ask_view(run_id: str, filters: Filters) -> int:
    """Ask what to show of filters that look at several channels."""
    options = _views(filters)
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


def _explain(sheet: Sheet, *, random: bool = False) -> None:
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


def _show(sheet: Sheet, key: str, side: int) -> Selection:
    """Show all filters and return the place that is chosen."""
    filters, places = sheet.filters, sheet.places
    pixels = filters_as_rgb(filters.weights) if sheet.view == COLOURS else colorize(*sheet.shown)
    place = grid(
        pixels[places],
        key=key,
        label=f"Filters of {filters.layer}",
        names=[sheet.name(index) for index in places],
        dead=[places.index(index) for index in filters.dead],
        selected=Selection(0, pixels.shape[1] // 2, pixels.shape[2] // 2),
        side=side,
    )
    _dead_note(filters)
    return place


def _details(sheet: Sheet, place: Selection, key: str, side: int, *, narrow: bool) -> None:
    chosen = sheet.places[place.tile]
    strongest = sheet.view in (STRONGEST, MEAN)
    channel = int(sheet.filters.strongest[chosen]) if strongest else max(sheet.view, 0)
    details(sheet.filters, chosen, channel, place, key, scale=sheet.scale, side=side, narrow=narrow)


def _dead_note(filters: Filters) -> None:
    count = len(filters.dead)
    if count:
        are = f"{count} of {len(filters.weights)} filters {'is' if count == 1 else 'are'}"
        st.caption(f"{are} hatched: practically zero, so nothing in a picture moves them.")
