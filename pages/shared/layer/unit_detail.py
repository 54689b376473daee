"""One unit of a feature map: its number, its neighbours, what it sees of the picture, and what pooling made it of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.figures.overlays import spotlight
from core.figures.scales import ColorScale
from core.formatting import dimensions, number
from core.glossary import GLOSSARY
from core.inference.network import Network
from core.model.layers import AvgPool, Layer, MaxPool
from core.probe.network_layers import is_gated, layers_of, place_of, receptive_field_of
from core.probe.pooling import PoolingWindow, pool_window
from pages.shared.display.map_grid import MAX_NUMBERED_SIDE, enlarged
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.shell import navigation
from pages.shared.shell.controls import ask_one
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INPUT = "input"  # in place of the name of a layer
ROOM_OF_THREE = 8  # rows and columns where three pictures stand side by side
VIEWS = {"part": "Numbers around it", "whole": "Whole map"}


@dataclass(frozen=True, eq=False)
class Made:
    """What a layer made of a picture.

    Attributes:
        network: Those of the network.
        picture: What it looked at.
        index: The layer's place among those that are listed.
        before: What went into the layer.
        values: What came out, float (C, H, W) or (F,).
    """

    network: Network
    picture: input_image.InputImage
    index: int
    before: "NDArray[np.float32]"
    values: "NDArray[np.float32]"

    @property
    def layer(self) -> Layer | None:
        """How the layer works, if that is known."""
        return layers_of(self.network)[self.index].settings

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all layers."""
        return tuple(layer.name for layer in layers_of(self.network))

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.names[self.index]

    @property
    def source(self) -> str:
        """What its numbers are made of, in words."""
        if self.network.spec is None:
            return "what goes into it"
        return self.names[self.index - 1] if self.index else "the picture"


def make(network: Network, layer: str, picture: input_image.InputImage) -> Made:
    """Pass a picture through a network as far as a layer; raises `ConvScopeError`.

    Maps of a single number each are taken for a row of numbers.
    """
    index = place_of(network, layer)
    if network.spec is None:
        before, values = inference.passage(network, layer, picture)
        return Made(network, picture, index, before, values.ravel() if values[0].size == 1 else values)
    source = network.spec.layer_names[index - 1] if index else INPUT
    activations = inference.activations(network, (source, layer), picture)
    return Made(network, picture, index, activations[source], activations[layer])


def details(layer_output: Made, scale: ColorScale, place: Selection, side: int, *, narrow: bool) -> None:
    """Show the chosen unit of a layer of maps.

    Args:
        layer_output: The maps.
        scale: Their colours.
        place: The unit.
        side: 1 for the second of two networks, else 0.
        narrow: Whether there is room for one column only.
    """
    layer, before = layer_output.layer, layer_output.before
    values, at = layer_output.values[place.tile], (place.row, place.col)
    pooled = isinstance(layer, MaxPool | AvgPool)
    most = ROOM_OF_THREE if pooled else MAX_NUMBERED_SIDE
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(f"Map {place.tile} of {layer_output.name}", anchor=False, width="content")
        size = max(before.shape[1:] if pooled else values.shape)
        if size > most and ask_one("Enlarge", VIEWS, "enlarge" + "_b" * side) == "whole":
            most = size
    height, count = (290, 3) if pooled else (380, 2)
    columns = [st.container() for _ in range(count)] if narrow else st.columns(count, gap="medium")
    if isinstance(layer, MaxPool | AvgPool):
        window = pool_window(before[place.tile], layer, *at)
        with columns[0]:
            st.markdown(f"**Before** pooling: {dimensions(before[0].shape)}")
            enlarged(
                before[place.tile],
                scale,
                title="Before pooling",
                key=f"before_{side}",
                place=window.winner or window.box[:2],
                box=window.box,
                most=most,
                height=height,
            )
            st.markdown(_calculation(window))
    with columns[-2]:
        st.markdown(f"**After** pooling: {dimensions(values.shape)}" if pooled else "**Enlarged**")
        enlarged(values, scale, title=f"Map {place.tile}", key=f"unit_{side}", place=at, most=most, height=height)
        st.markdown(f"Row {at[0]}, column {at[1]}: **{number(float(values[at]))}**. {_rank(values, at)}")
    with columns[-1]:
        st.markdown("**What this unit sees**", help=GLOSSARY["receptive_field"])
        sees(layer_output, layer_output.index, *at)
        explain_link(layer_output, place.tile, *at)


def explain_link(layer_output: Made, *place: int) -> None:
    """Offer to ask a unit which pixels move it, and what it does for the class: `place` is its map, row and column."""
    label = "Explain this unit" if len(place) > 1 else "Explain this number"
    navigation.link("explain", label, unit=",".join([layer_output.name, *map(str, place)]))


def sees(layer_output: Made, index: int, row: int = 0, col: int = 0) -> None:
    """Show which part of the picture a unit of a layer depends on."""
    name, picture = layer_output.names[index], layer_output.picture
    box = receptive_field_of(layer_output.network, name, row, col)
    top, left, bottom, right = box
    st.image(spotlight(picture.array(), box), width=330, alt="The part of the picture that the unit sees, framed")
    if box == (0, 0, *picture.shape[1:]):
        st.markdown("The whole picture.")
    elif not (bottom - top) * (right - left):
        st.markdown("Nothing of the picture, only the zeros around it.")
    else:
        st.markdown(
            f"{bottom - top} × {right - left} pixels: rows {top} to {bottom - 1}, columns {left} to {right - 1}."
        )
    if is_gated(layer_output.network, name):
        st.caption("Gates on the way also weigh whole maps by what the whole picture holds; they are left out here.")


def _calculation(window: PoolingWindow) -> str:
    """Write what pooling does with the numbers of a window, in a line."""
    numbers = [number(float(value)) for value in window.values.flat]
    if window.winner is None:
        terms = numbers + ["0"] * window.padding
        mean = f"({' + '.join(terms)}) / {len(terms)} = **{number(window.result)}**"
        border = f", {window.padding} of them in the border of zeros" if window.padding else ""
        return f"The mean of the {len(terms)} framed numbers{border}: {mean}"
    row, col = window.winner
    largest = f"max({', '.join(numbers)}) = **{number(window.result)}**"
    return f"The largest of the framed numbers wins: {largest}, from row {row}, column {col}."


def _rank(values: "NDArray", at: tuple[int, int]) -> str:
    if not values.any():
        return "The whole map is zero for this picture."
    if values[at] == values.max():
        return "No number of this map is larger."
    row, col = divmod(int(values.argmax()), values.shape[1])
    return f"The map's largest is {number(float(values.max()))}, at row {row}, column {col}."
