"""What follows from edits of a network: its answer, its explanation and its maps, before and after."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.explain.methods.registry import METHODS
from core.figures.grids import colorize
from core.figures.scales import ColorScale
from core.formatting import dimensions, number
from core.inference.network import Network
from core.probe.network_layers import layers_of, readout_of
from pages.shared.display.before_after import answers, before_after
from pages.shared.display.class_bars import class_name
from pages.shared.display.map_grid import color_bar, grid
from pages.shared.network import inference
from pages.shared.picture.input_image import InputImage
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    pass

EXPLAIN = {name: METHODS[name].title for name in ("grad_cam", "saliency")}


def effects(network: Network, copy: Network, picture: InputImage, layer: str, index: int) -> None:
    """Show what the edits of a copy change for a picture.

    Args:
        network: The network as it is.
        copy: Its edited copy.
        picture: What both look at.
        layer: The convolution whose filter is chosen.
        index: That filter.
    """
    _ = copy.model  # what keeps it from being made is said once
    before = inference.probabilities(network, picture)
    with st.grid(2, min_column_width=320, gap="medium"):
        with st.container(), show_errors():
            st.markdown("**Its answer**")
            answers(network, picture, before, inference.probabilities(copy, picture))
        with st.container(), show_errors():
            _explanation(network, copy, picture, int(before.argmax()))
    with show_errors():
        _maps(network, copy, picture, layer, index)


def _explanation(network: Network, copy: Network, picture: InputImage, target: int) -> None:
    """Show what speaks for the class that was the answer, before and after, in one scale."""
    from core.explain.compatibility import incompatibility

    st.markdown(f"**Why “{class_name(network, target)}”?**")
    method = METHODS[ask_one("Explain by", EXPLAIN, "surgery_method")]
    reason = incompatibility(network.model, method.name)
    if reason:
        st.info(escape_markdown(reason), icon=":material/block:")
        return
    attributions = [inference.attribution(each, picture, target, method.name) for each in (network, copy)]
    before_after(method, [picture.array(), picture.array()], attributions)


def _maps(network: Network, copy: Network, picture: InputImage, layer: str, index: int) -> None:
    """Show the maps of a layer before and after, in one scale."""
    read, later = readout_of(network, layer), _later(network, layer)
    st.markdown("**Its maps**")
    shown = st.selectbox(
        "Maps of",
        [read, *(name for name in later if name != read)],
        format_func=lambda name: f"{name} (the answers of {layer})" if name == read else name,
        key=f"surgery_maps_{network.id}_{layer}",
        width=300,
    )
    before, after = (inference.activations(each, (shown,), picture)[shown] for each in (network, copy))
    scale = ColorScale.of([before, after], percentile=99.5)
    changed = np.abs(after.astype(np.float64) - before).mean(axis=(1, 2))
    moved = int((changed > 1e-6 * max(float(np.abs(before).max()), 1e-12)).sum())
    differ = "is no longer what it was" if moved == 1 else "are no longer what they were"
    st.markdown(f"{moved} of {len(before)} maps of {shown} ({dimensions(before.shape[1:])}) {differ}.")
    color_bar(scale)
    tile = index if shown == read else int(changed.argmax())
    place = Selection(tile, *divmod(int(np.abs(after - before)[tile].argmax()), before.shape[2]))
    key = f"surgery_{network.id}_{shown}_{tile}".replace(".", "_")
    chosen = place
    with st.grid(2, min_column_width=300, gap="medium"):
        for side, (title, maps) in enumerate((("Before", before), ("After", after))):
            with st.container():
                st.caption(title)
                chosen = grid(
                    colorize(maps, scale),
                    key=key,
                    label=f"Maps of {shown} {title.lower()}",
                    names=[f"map {channel}" for channel in range(len(maps))],
                    dead=[channel for channel, values in enumerate(maps) if not values.any()],
                    selected=place,
                    side=side,
                )
    at = chosen.tile, chosen.row, chosen.col
    st.markdown(
        f"Map {at[0]}, row {at[1]}, column {at[2]}: **{number(float(before[at]))}** before, "
        f"**{number(float(after[at]))}** after. Hatched maps are zero everywhere."
    )


def _later(network: Network, layer: str) -> list[str]:
    """Name the layers with maps behind a convolution."""
    layers = layers_of(network)
    names = [each.name for each in layers]
    block, _, inner = layer.partition(".")
    start = names.index(layer) + 1 if layer in names else names.index(block) + (not inner)
    return [each.name for each in layers[start:] if len(each.output_shape) == 3 and each.output_shape[1:] != (1, 1)]
