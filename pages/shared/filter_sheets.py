"""The filters of a convolution as one picture: what is drawn of each, in which order, and what its colours mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.scales import ColorScale
from pages.shared.kernels import Filters, scale_of
from pages.shared.maps import color_bar, dimensions
from pages.shared.unit_orders import Arrangement, Dead, signed

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    dead: Dead

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
