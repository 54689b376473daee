"""The projective field of a pixel: the numbers of every layer that it reaches."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.overlays import spotlight
from core.figures.scales import ColorScale
from core.formatting import dimensions
from core.inference.network import Network
from core.probe.network_layers import LayerEntry, layers_of, projective_field_of
from core.probe.receptive_fields import Box
from pages.shared.display.map_grid import grid
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    import numpy as np

MAX_LAYERS = 16  # layers in the row: of a deep network the blocks, evenly spread
PICTURE_PX = 300  # screen pixels of a picture to click
MAP_PX = 120  # of a map in the row of all layers


def what_it_reaches(network: Network, picture: input_image.InputImage) -> None:
    """Show which numbers of every layer a pixel reaches."""
    pixels = picture.array()
    middle = Selection(0, pixels.shape[0] // 2, pixels.shape[1] // 2)
    asking, answering = st.columns([1, 2], gap="large")
    with asking:
        st.markdown("**1. Click a pixel**")
        place = grid(
            pixels[None],
            key=f"field_pixel_{network.id}",
            label="The picture as the network sees it",
            names=["pixel"],
            selected=middle,
            scale=PICTURE_PX / max(pixels.shape[:2]),
        )
        st.markdown(
            f"Row {place.row}, column {place.col} of {escape_markdown(picture.title)}, {dimensions(picture.shape)}."
        )
    layers = _followed(network)
    maps = inference.activations(network, [layer.name for layer in layers], picture)
    shown = [layer for layer in layers if maps[layer.name].ndim == 3]
    boxes = [projective_field_of(network, layer.name, place.row, place.col) for layer in shown]
    with answering:
        st.markdown("**2. The numbers it reaches in every layer**, in the lit box")
        with st.container(horizontal=True, gap="small"):
            for each, box in zip(shown, boxes, strict=True):
                words = f"{each.name}: reaches {_count(maps[each.name], box)}"
                st.image(
                    _boxed(maps[each.name], box), caption=words, width=MAP_PX, alt=f"{words}, lit on its maps' mean"
                )
        st.caption(
            "Each small picture is the mean of a layer's maps, in colours of its own: light is much, or red. "
            "The count is that of one map; in all maps of the layer it is the same places."
        )
        if any(getattr(layer.settings, "dilation", 1) > 1 for layer in layers):
            st.caption("Kernels with gaps (dilation) skip some of the units inside a box; they are counted here.")
        flat = [layer.name for layer in layers if maps[layer.name].ndim == 1]
        if flat:
            _flat(flat, reached=projective_field_of(network, flat[-1], place.row, place.col) != (0, 0, 0, 0))


def _followed(network: Network) -> list[LayerEntry]:
    """Return the layers that are shown: all there are, or the first and last and, between them, some of the blocks."""
    layers = list(layers_of(network))
    if len(layers) <= MAX_LAYERS:
        return layers
    blocks = [layer for layer in layers[1:-1] if layer.kind == "block"] or layers[1:-1]
    blocks = [layer for layer in blocks if len(layer.output_shape) == 3 and layer.output_shape[1] > 1]
    few = min(len(blocks), MAX_LAYERS - 2)
    return [layers[0], *(blocks[(2 * place + 1) * len(blocks) // (2 * few)] for place in range(few)), layers[-1]]


def _count(values: "np.ndarray[Any, Any]", box: Box) -> str:
    top, left, bottom, right = box
    return f"{(bottom - top) * (right - left):,} of {values[0].size:,} units"


def _boxed(values: "np.ndarray[Any, Any]", box: Box) -> "np.ndarray[Any, Any]":
    mean = values.mean(axis=0)
    return spotlight(ColorScale.of(mean).rgb(mean), box, zoom=max(1, -(-2 * MAP_PX // max(mean.shape))))


def _flat(names: list[str], *, reached: bool) -> None:
    if reached:
        st.markdown(
            f"Then places end ({', '.join(names)}): a dense layer mixes all, so the pixel can move each answer."
        )
    else:
        st.markdown(f"No window touches this pixel on the way to {names[0]}: whatever its colour, no answer changes.")
