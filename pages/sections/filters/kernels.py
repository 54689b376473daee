"""The filters of one convolution, and one of them with its numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.grids import colorize
from core.figures.scales import ColorScale
from core.formatting import number
from core.probe.filter_bank import Filters
from core.probe.kernel_matching import strengths
from pages.shared.display.map_grid import color_bar, enlarged, grid
from pages.shared.shell.navigation import link
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scale_of(kernels: "Sequence[NDArray[np.float32]]") -> ColorScale:
    """Return one scale for the kernels of a convolution, or of several."""
    return ColorScale.of(np.concatenate([values.ravel() for values in kernels]), percentile=99, signed=True)


def details(
    filters: Filters,
    index: int,
    channel: int,
    place: Selection,
    key: str,
    *,
    scale: ColorScale,
    side: int,
    narrow: bool,
) -> None:
    """Show one filter: its strength and bias, its kernels, and one of them with its numbers.

    Args:
        filters: All filters of the convolution.
        index: Which one.
        channel: The input channel whose kernel is enlarged until another one is clicked.
        place: The weight that was clicked.
        key: Start of Streamlit's keys.
        scale: The colours of the kernels.
        side: 1 for the second of two networks, else 0.
        narrow: Whether there is room for one column only.
    """
    st.subheader(f"Filter {index} of {filters.layer}", anchor=False)
    kernels, at = filters.weights[index], (place.row, place.col)
    numbers, facts = (st.container(), st.container()) if narrow else st.columns(2, gap="large")
    with facts:
        _facts(filters, index)
        if filters.listed:
            link("feature_maps", f"See what {filters.layer} makes of an image", layer=filters.layer)
        if len(kernels) > 1:
            st.markdown(f"**Its {len(kernels)} kernels**, one for each input channel. Click one to enlarge it.")
            if filters.rgb:
                color_bar(scale)
            chosen = grid(
                colorize(kernels, scale),
                key=f"{key}_{index}_{channel}",
                label=f"Kernels of filter {index}",
                names=filters.channels,
                selected=Selection(channel, *at),
                scale=max(1, 104 // kernels.shape[2]) if filters.rgb else None,  # three in a row
                side=side,
            )
            channel, at = chosen.tile, (chosen.row, chosen.col)
    with numbers:
        which = f"Its kernel for {filters.channels[channel]}" if len(kernels) > 1 else "Its kernel"
        st.markdown(f"{which} · row {at[0]}, column {at[1]}: **{number(float(kernels[channel][at]))}**")
        enlarged(kernels[channel], scale, title=which, key=f"{key}_enlarged_{side}", place=at)


def _facts(filters: Filters, index: int) -> None:
    norms = strengths(filters.weights)
    rank = int((norms > norms[index]).sum()) + 1
    bias = "none" if filters.biases is None else number(float(filters.biases[index]))
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            "Strength",
            number(float(norms[index])),
            help="The root of the sum of its squared weights: how loudly it can answer.",
            width="content",
        )
        st.metric("Rank by strength", f"{rank} of {len(norms)}", width="content")
        st.metric(
            "Bias",
            bias,
            help="A number added to each of its answers. Inside a residual block there is none.",
            width="content",
        )
