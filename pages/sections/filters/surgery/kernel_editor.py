"""Choosing the kernel that takes a filter's place, and the hand-made ones of its size."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.figures.grids import colorize, sprite
from core.figures.scales import ColorScale
from core.inference.network import Network
from core.model.handmade import KERNELS, kernel
from core.probe.edited_network import ALL, edited, part_of, retyped, with_kernel
from core.probe.filter_bank import Filters
from pages.sections.filters.surgery.edits import edits_of, retype, turn

TYPED = "typed"


def ask_kernel(filters: Filters, index: int, key: str) -> tuple[str, int]:
    """Ask which kernel takes a filter's place, and for which input channel: `ALL`, or the number of one.

    Args:
        filters: All filters of the convolution.
        index: Which one is to be replaced.
        key: End of Streamlit's keys.

    Returns:
        A key of `KERNELS`, or `TYPED`, and the channel.
    """
    kernels = _fitting(filters.weights.shape[2:])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Kernel",
            [*kernels, TYPED],
            format_func=lambda name: "Type my own" if name == TYPED else KERNELS[name].title,
            key="surgery_kernel" if kernels else "surgery_kernel_typed",
            width=190,
        )
        channel = ALL if len(filters.channels) == 1 else _ask_channel(filters.channels, key)
    return name, channel


def _fitting(size: tuple[int, ...]) -> list[str]:
    """Name the hand-made kernels that there are of a size."""
    try:
        kernel(next(iter(KERNELS)), size[0])
    except ConvScopeError:
        return []
    return list(KERNELS) if size[0] == size[1] else []


def _ask_channel(channels: Sequence[str], key: str) -> int:
    chosen: int = st.selectbox(
        "For input channel",
        [ALL, *range(len(channels))],
        format_func=lambda channel: "All alike" if channel == ALL else channels[channel].capitalize(),
        key=f"channel_{key}",
        width=170,
        help="A filter has a kernel for each channel of its input. Replace all of them by the same one, or a single "
        "one.",
    )
    return chosen


def hand_made(name: str, weights: np.ndarray, index: int, channel: int) -> np.ndarray:
    """Show a hand-made kernel and return a filter with it, as strong as what it replaces, float (C, kH, kW).

    Args:
        name: Key of `KERNELS`.
        weights: The filters as they are now, float (N, C, kH, kW).
        index: Which one is to be replaced.
        channel: For which input channel, or `ALL`.
    """
    part = part_of(weights, index, channel)
    values = kernel(name, part.shape[1])
    norm = float(np.linalg.norm(part)) or float(np.linalg.norm(weights) / np.sqrt(len(weights)))
    new: np.ndarray = values * norm / (np.linalg.norm(values) * np.sqrt(len(part)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        picture = colorize(new[None], ColorScale.of(new, signed=True))
        st.image(sprite(picture, 1, zoom=max(1, 72 // len(new))), width=72, alt=f"The kernel {KERNELS[name].title}")
        st.caption(
            f"{KERNELS[name].summary} Blue is negative, red positive. Its numbers are scaled so that the filter stays "
            "as strong as it is.",
            width=420,
        )
    return with_kernel(weights, index, channel, new)


def type_kernel(network: Network, layer: str, index: int, channel: int) -> None:
    """Show the kernel of a filter of the copy as a table; what is typed becomes one edit, however many numbers it is.

    Args:
        network: The network.
        layer: The convolution.
        index: Which filter.
        channel: Which of its kernels, or `ALL`: then one takes the place of all, at first their mean.
    """
    import pandas as pd

    from core.probe.kernels import filters
    from core.probe.surgery import Replace

    run_id, edits = network.id, edits_of(network.id)
    key = f"typed_{run_id}_{network.epoch}_{layer}_{index}_{channel}_{turn(run_id)}"
    stored = st.session_state.get(f"typing_{run_id}")
    before = (
        stored[1] if stored and stored[0] == key and key in st.session_state else edits
    )  # the table began with these
    now = filters(edited(network, before).model, layer).numpy()
    values = part_of(now, index, channel).mean(axis=0, dtype=np.float64)

    def follow() -> None:
        typed = retyped(values, st.session_state[key]["edited_rows"])
        try:
            edit = Replace(layer, index, with_kernel(now, index, channel, typed))
        except ConvScopeError:
            return  # a cell is empty for the moment
        retype(run_id, before if np.array_equal(typed, values) else (*before, edit))
        st.session_state[f"typing_{run_id}"] = key, before

    columns = [str(column) for column in range(values.shape[1])]
    st.data_editor(
        pd.DataFrame(values, columns=columns),
        column_config={name: st.column_config.NumberColumn(width=76, format="%.3g", required=True) for name in columns},
        key=key,
        on_change=follow,
        width="content",
    )
    st.caption("Click a number twice, type another one and press Enter: it takes effect at once.")
