"""Receptive fields, both ways: what one number of a layer sees of the picture, and what one pixel reaches."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.figures.grids import colorize
from core.figures.overlays import overlay, spotlight
from core.figures.scales import ColorScale
from core.formatting import formatted, number
from core.glossary import GLOSSARY
from core.inference.network import Network
from core.model.layers import Conv, Flatten, Residual
from core.probe.network_layers import LayerEntry, layers_of, receptive_field_of, steps_of
from core.probe.unit_windows import inner_share
from pages.sections.maths.article import read_on
from pages.sections.maths.projective_field import PICTURE_PX, what_it_reaches
from pages.shared.display.map_grid import color_bar, grid
from pages.shared.layer.unit_detail import Made, make, sees
from pages.shared.network.network_map import ask_layer
from pages.shared.picture import input_image
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.controls import ask_one
from pages.shared.shell.section import Section
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    import numpy as np

    from core.probe.receptive_fields import FieldStep


def arithmetic(layer_output: Made, row: int, col: int) -> None:
    """Show how the receptive field comes about, layer by layer."""
    steps = steps_of(layer_output.network, layer_output.name)
    st.markdown("**How that comes about.** Each layer widens the field, by its window, and spreads it, by its stride.")
    if not steps:
        st.markdown("No window lies on the way to this layer: each number sees one pixel.")
        return
    last = steps[-1]
    if layer_output.network.spec is None:
        st.caption(
            "Layers whose window is one number are left out. Where the way branches, this is the branch that sees most."
        )
    st.dataframe([_line(step) for step in steps], hide_index=True, alt="The receptive field after each layer")
    st.caption(
        "In pixels of the picture: **size** is the side of what one number sees, old size + (window − 1) × old jump; "
        "**jump** is how far apart two neighbours look; **first pixel** is where the first number's view begins, "
        "below 0 in the padding."
    )
    if last.start is None or last.jump is None:
        return
    sides = zip(("row", "column"), (row, col), layer_output.picture.shape[1:], strict=True)
    st.markdown("  \n".join(_span(last, name, at, side) for name, at, side in sides))


def _span(step: "FieldStep", name: str, at: int, side: int) -> str:
    assert step.start is not None and step.jump is not None
    begin = step.start + at * step.jump
    end = begin + step.size - 1
    start, first, last = (formatted(place) for place in (step.start, begin, end))
    line = f"{name.capitalize()} {at}: {start} + {at} × {step.jump} = **{first}** to "
    line += f"{first} + {step.size} − 1 = **{last}**"
    outside = ["below 0"] * (begin < 0) + [f"above {side - 1}"] * (end >= side)
    return line + (f"; what lies {' and '.join(outside)} is padding." if outside else ".")


def _line(step: "FieldStep") -> dict[str, str]:
    lines = step.arithmetic
    return {
        "Layer": step.name,
        "Window": lines.get("span", str(step.span)),
        "Stride": str(step.stride),
        "Padding": str(step.padding),
        "Size": lines["size"],
        "Jump": lines.get("jump", "none"),
        "First pixel": lines.get("start", "none"),
    }


MANY = 24  # layers: a network of more is deep
DIRECTIONS = {"back": "What a number sees", "ahead": "What a pixel reaches"}


def field_bench(network: Network) -> None:
    """Show what a chosen number of a layer sees of a picture, and how that comes about; or what a pixel reaches."""
    picture = pick_picture(network)
    if not np.ptp(picture.raw()):
        st.info(
            "Every pixel of this picture is alike: who sees what is the same for all pictures, but to tell "
            "what matters, choose one with something in it."
        )
    if ask_one("Direction", DIRECTIONS, "field_direction") == "back":
        _back(network, picture)
    else:
        what_it_reaches(network, picture)
    read_on("receptive_field")


def _back(network: Network, picture: input_image.InputImage) -> None:
    layer_output = make(network, _pick_layer(network), picture)
    channel = _pick_channel(layer_output)
    with st.grid(3, min_column_width=240, gap="medium"):
        with st.container():
            row, col = _click_number(layer_output, channel)
        with st.container():
            st.markdown("**2. All that it sees**", help=GLOSSARY["receptive_field"])
            sees(layer_output, layer_output.index, row, col)
        with st.container():
            st.markdown("**3. What of that matters here**", help=GLOSSARY["effective_field"])
            _matters(layer_output, channel, row, col)
    arithmetic(layer_output, row, col)


def _pick_layer(network: Network) -> str:
    layers = {layer.name: layer for layer in layers_of(network)}
    names, key = list(layers), f"field_layer_{network.id}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = _first_layer(network, layers)
    return ask_layer(network, "Layer", names, key)


def _first_layer(network: Network, layers: Mapping[str, LayerEntry]) -> str:
    """Return the layer to begin with: a convolution in the middle, of a deep network where it sees a part only."""
    if len(layers) > MANY:
        small = [name for name in layers if layers[name].kind == "conv" and _sees_a_part(network, name)]
    else:
        small = [name for name in layers if isinstance(layers[name].settings, Conv | Residual)]
    return small[len(small) // 2] if small else next(iter(layers))


def _sees_a_part(network: Network, layer: str) -> bool:
    """Say whether the field of a layer's number in the middle covers less than half of the picture."""
    *_, height, width = next(each.output_shape for each in layers_of(network) if each.name == layer)
    top, left, bottom, right = receptive_field_of(network, layer, height // 2, width // 2)
    _, rows, columns = network.input_shape
    return 2 * (bottom - top) * (right - left) < rows * columns


def _pick_channel(layer_output: Made) -> int:
    values, key = layer_output.values, f"field_channel_{layer_output.network.id}_{layer_output.name}"
    strongest = np.nan_to_num(values).reshape(len(values), -1).max(axis=1).argmax()
    st.session_state.setdefault(key, int(strongest))
    words = "Map" if values.ndim == 3 else "Number"
    channel = st.number_input(
        f"{words}, 0 to {len(values) - 1:,}",
        min_value=0,
        max_value=len(values) - 1,
        step=1,
        key=key,
        width=190,
        persist_state="session",
        help=f"Which of the {len(values):,} {words.lower()}s of {layer_output.name} to ask. "
        "All of a layer see the same part of the picture, but not the same things in it.",
    )
    return min(max(int(channel or 0), 0), len(values) - 1)


def _click_number(output: Made, channel: int) -> tuple[int, int]:
    """Show the map and return the place of the number that is clicked; (0, 0) where there are no places."""
    if output.values.ndim == 1:
        st.markdown(f"**1. Number {channel} of {output.name}**")
        st.markdown(
            f"It is **{number(float(output.values[channel]))}**. {output.name} has no rows and columns any more."
        )
        if isinstance(output.layer, Flatten):
            st.markdown("The frame holds what all its numbers see together; each one sees its part of it.")
        return 0, 0
    values = output.values[channel]
    scale = ColorScale.of(output.values, percentile=99.5)
    st.markdown(f"**1. Click a number of map {channel}**")
    strongest = divmod(int(np.nan_to_num(values, nan=-np.inf).argmax()), values.shape[1])
    place = grid(
        colorize(values[None], scale),
        key=f"field_map_{output.network.id}_{output.name}".replace(".", "_"),
        label=f"Map {channel} of {output.name}",
        names=[f"map {channel} of {output.name}"],
        selected=Selection(0, *strongest),
        scale=PICTURE_PX / max(values.shape),
    )
    at = place.row, place.col
    st.markdown(f"Row {at[0]}, column {at[1]}: **{number(float(values[at]))}**.")
    color_bar(scale)
    return at


def _matters(layer_output: Made, channel: int, row: int, col: int) -> None:
    """Show how much each pixel moves the number, and how much of that lies in the middle of what it sees."""
    box = receptive_field_of(layer_output.network, layer_output.name, row, col)
    slopes = _slopes(
        layer_output.network.cache_key,
        layer_output.picture.digest,
        layer_output.name,
        channel,
        row,
        col,
        layer_output.network,
        layer_output.picture,
    )
    if not np.isfinite(slopes).all():
        st.warning("The gradient is not a number, because the training ran away: choose an earlier epoch.")
        return
    heat = overlay(
        layer_output.picture.array(), slopes, signed=False, positive="pixels that move this number most", zoom=1
    )
    st.image(spotlight(heat.pixels, box), width=330, alt="How much each pixel moves the number, as a heat-map")
    if heat.blank:
        why = "no window of its layer meets the picture" if box == (0, 0, 0, 0) else "it is switched off on the way"
        st.markdown(f"No pixel moves this number: {why}.")
        return
    inner, part = inner_share(slopes, box)
    pixels = (inner[2] - inner[0]) * (inner[3] - inner[1]) / ((box[2] - box[0]) * (box[3] - box[1]))
    st.markdown(
        f"**{part:.0%}** of the gradient lies in the inner half (rows {inner[0]} to {inner[2] - 1}, columns {inner[1]} "
        f"to {inner[3] - 1}), which is {pixels:.0%} of the pixels."
    )
    color_bar(heat.scale, f"{heat.text} The colours are |d number / d pixel|, its gradient, without a sign.")


@st.cache_data(show_spinner=False, max_entries=256)
def _slopes(
    cache_key: tuple[Any, ...],
    digest: str,
    layer: str,
    channel: int,
    row: int,
    col: int,
    _network: Network,
    _picture: input_image.InputImage,
) -> "np.ndarray[Any, Any]":
    from core.probe.units import effective_field

    image = _network.normalize(_picture.tensor())
    return effective_field(_network.model, image, layer, channel, row, col).numpy()


SECTION = Section("fields", "Receptive field", field_bench)
