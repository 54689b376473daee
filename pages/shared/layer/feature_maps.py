"""What the layers of a network make of one picture: a layer to choose, and its maps as one grid."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.figures.grids import colorize
from core.figures.network_blocks import network_layers
from core.figures.scales import SCOPES, ColorScale, scale_of_each
from core.formatting import dimensions, number, share
from core.inference.network import Network
from core.model.layers import Activation, BatchNorm, Dropout, Flatten, GlobalAvgPool
from core.probe.network_layers import LayerEntry, layers_of
from pages.shared.display.class_bars import class_name
from pages.shared.display.map_grid import color_bar, enlarged, grid
from pages.shared.layer.map_table import map_table
from pages.shared.layer.unit_detail import Made, details, explain_link, make, sees
from pages.shared.network import inference
from pages.shared.network.comparison import LETTERS, collect_results, side_by_side, unwrap
from pages.shared.network.network_map import ask_layer
from pages.shared.picture import input_image
from pages.shared.shell import navigation, session
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.image_grid import Selection
from pages.shared.widgets.network_view import download_drawing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_NUMBERS = 4096  # numbers in a picture
MAX_COLUMNS = 128
PERCENTILE = 99.5  # of the sizes: what is beyond it has full colour, too
SCALES = {"layer": "the layer", "unit": "each map", "network": "the network"}
_SCALE = "feature_map_scale"
MOST_BARS = 24


def number_row(layer_output: Made, alike: Sequence[Made], side: int) -> Callable[[], None] | None:
    """Show a layer's numbers as one strip, or as a bar for each class where they are the answer.

    Args:
        layer_output: The numbers, float (F,).
        alike: Those that share its colours, itself among them.
        side: 1 for the second of two networks, else 0.

    Returns:
        What shows the chosen number; None where all are read already.
    """
    values = layer_output.values
    if _names_classes(layer_output):
        _scores(layer_output, alike, side)
        return None
    scale = ColorScale.of([each.values for each in alike], percentile=99.5)
    color_bar(scale, sides=len(alike))
    shown = values[:MAX_NUMBERS]
    columns = _columns(len(shown))
    strip = np.full(-(-len(shown) // columns) * columns, np.nan)
    strip[: len(shown)] = shown
    place = grid(
        colorize(strip.reshape(1, -1, columns), scale),
        key=f"numbers_{alike[0].network.id}_{layer_output.name}".replace(".", "_"),
        label=f"Numbers of {layer_output.name}",
        names=[f"the {len(shown):,} numbers of {layer_output.name}"],
        selected=Selection(0, *divmod(int(alike[0].values[:MAX_NUMBERS].argmax()), columns)),
        scale=max(1, min(24, 896 // columns)),
        side=side,
    )
    chosen = min(place.row * columns + place.col, len(shown) - 1)
    st.caption(_strip_words(len(values), len(shown), columns, int((values == 0).sum())))
    return partial(_details, layer_output, scale, chosen, side)


def _names_classes(layer_output: Made) -> bool:
    """Say whether a layer's numbers are the answer: one for each class, and no layer behind it mixes them again."""
    if layer_output.network.spec is None:
        return layer_output.index == len(layer_output.names) - 1
    rest = layer_output.network.spec.layers[layer_output.index + 1 :]
    return all(isinstance(layer, Activation | Dropout | BatchNorm) for layer in rest)


def _scores(layer_output: Made, alike: Sequence[Made], side: int) -> None:
    from core.figures.prediction_bars import scores

    names, theme = layer_output.network.class_names, session.theme()
    st.caption("One number (logit) for each class. The largest is the answer; softmax turns them into probabilities.")
    if len(names) > MOST_BARS:
        st.caption(f"The {MOST_BARS} largest of {len(names):,}.")
        first = (-alike[0].values).argsort(kind="stable")[:MOST_BARS]
        figure = scores([names[index] for index in first], layer_output.values[first], theme=theme)
    else:
        figure = scores(names, layer_output.values, true=layer_output.picture.label, theme=theme)
    if len(alike) > 1:
        values = np.concatenate([each.values for each in alike])
        reach = 1.2 * max(float(np.abs(values).max()), 1e-9)
        figure.update_xaxes(range=[-reach if values.min() < 0 else 0.0, reach])
        st.caption(f"{SCOPES['networks']}. The bars end at {number(reach)}.")
    st.plotly_chart(
        figure, key=f"scores_{side}", config={"displayModeBar": False}, alt="The number of each class, as bars"
    )


def _strip_words(count: int, shown: int, columns: int, zeros: int) -> str:
    cut = f", the first {shown:,} of them shown" if shown < count else ""
    rows = f", {columns} in each row" if shown > columns else ""
    none = {0: "none of them is zero", 1: "one of them is zero"}.get(zeros, f"{zeros:,} of them are zero")
    return f"{count:,} numbers{cut}{rows}, from left to right; {none}."


def _columns(count: int) -> int:
    """Return how many numbers stand in a row of the strip, so that the last row is full if that can be."""
    widest = 64 if count <= 2048 else MAX_COLUMNS
    return next((columns for columns in range(widest, 15, -1) if count % columns == 0), min(count, widest))


def _details(layer_output: Made, scale: ColorScale, chosen: int, side: int) -> None:
    """Show one number, its neighbours, where it comes from and what it sees."""
    layer, before, index = layer_output.layer, layer_output.before, layer_output.index
    value = number(float(layer_output.values[chosen]))
    st.subheader(f"Number {chosen} of {layer_output.name}", anchor=False)
    with st.grid(2, min_column_width=300, gap="medium"):
        with st.container():
            st.markdown(f"**{value}**, {_origin(layer_output, chosen)}.")
            if isinstance(layer, GlobalAvgPool):
                averaged = before[chosen]
                enlarged(
                    averaged,
                    ColorScale.of(averaged),
                    title="Activation",
                    key=f"map_{side}",
                    place=(0, 0),
                    box=(0, 0, *averaged.shape),
                    bar=True,
                )
            else:
                enlarged(
                    layer_output.values[None],
                    scale,
                    title="Numbers",
                    key=f"row_{side}",
                    place=(0, chosen),
                    most=8,
                    height=130,
                )
        with st.container():
            st.markdown("**What it sees**")
            if isinstance(layer, Flatten) and before.ndim == 3 and index:
                sees(layer_output, index - 1, *divmod(chosen % before[0].size, before.shape[2]))
            else:
                sees(layer_output, index)
            explain_link(layer_output, chosen)


def _origin(layer_output: Made, chosen: int) -> str:
    layer, before = layer_output.layer, layer_output.before
    source = layer_output.source
    if isinstance(layer, Flatten) and before.ndim == 3:
        channel, place = divmod(chosen, before[0].size)
        row, col = divmod(place, before.shape[2])
        return f"taken from row {row}, column {col} of map {channel} of {source}"
    if isinstance(layer, GlobalAvgPool):
        return f"the mean of the {dimensions(before[chosen].shape)} numbers of map {chosen} of {source}"
    return f"made from {before.size:,} numbers of {source}"


def answer(networks: Sequence[Network], picture: input_image.InputImage) -> None:
    """Show the picture as the network receives it, and its answer in one line, or those of both networks."""
    pixels = picture.array()
    zoom = max(1, -(-192 // max(pixels.shape[:2])))
    st.image(pixels.repeat(zoom, axis=0).repeat(zoom, axis=1), width=192, alt="The picture as the network receives it")
    verdicts = collect_results(networks, partial(_verdict, picture=picture))
    unwrap(verdicts[0])
    for letter, verdict in zip(LETTERS, verdicts, strict=False):
        if isinstance(verdict, str):  # what is wrong with the second network stands where its maps would
            st.markdown(f"**{letter}** says {verdict}" if len(networks) > 1 else f"The network says {verdict}")
    st.caption(f"{escape_markdown(picture.title)}, {dimensions(picture.shape)}")


def _verdict(network: Network, picture: input_image.InputImage) -> str:
    probabilities = inference.probabilities(network, picture)
    best = int(probabilities.argmax())
    verdict = f"**{class_name(network, best)}**, {share(probabilities[best])} sure."
    if picture.label is None:
        return verdict
    right = "right" if best == picture.label else f"wrong: it is **{class_name(network, picture.label)}**"
    return f"{verdict} That is {right}."


@st.fragment
def layer_maps(networks: Sequence[Network], picture: input_image.InputImage) -> None:
    """Ask for a layer, show all that it makes of a picture, and the chosen unit below with its numbers."""
    with show_errors():
        layer = _pick_layer(networks[0])
        st.markdown(f"**{escape_markdown(layer.name)}**: {layer.description}")
        results = collect_results(networks, partial(make, layer=layer.name, picture=picture))
        first = unwrap(results[0])
        if first.values.ndim == 3:
            ask_one("One colour scale for", SCALES, _SCALE)
        alike = [each for each in results if isinstance(each, Made) and each.values.shape == first.values.shape]

        def draw(side: int) -> Callable[[], None] | None:
            layer_output = unwrap(results[side])
            shown = alike if layer_output in alike else [layer_output]
            if layer_output not in alike:
                st.caption(f"Its {layer.name} puts out {dimensions(layer_output.values.shape)}: a scale of its own.")
            if layer_output.values.ndim == 1:
                return number_row(layer_output, shown, side)
            return _maps(layer_output, shown, side, narrow=len(networks) > 1)

        side_by_side(networks, draw)
        with st.container(horizontal=True, vertical_alignment="center"):
            if layer.kind not in ("flatten", "residual", "block"):  # the first computes nothing, the others are several
                navigation.link("maths", f"Follow the sums of {layer.name}", layer=layer.name)
            download_drawing(networks[0].name, lambda: network_layers(networks[0]))


def _maps(layer_output: Made, alike: Sequence[Made], side: int, *, narrow: bool) -> Callable[[], None]:
    """Show all maps of a layer, and return what shows the chosen unit."""
    maps, choice = layer_output.values, st.session_state.get(_SCALE, "layer")
    scales = [_layer_scale(alike, choice)] * len(maps)
    if choice == "unit":
        scales = scale_of_each([each.values for each in alike], percentile=PERCENTILE)
        signed = scales[0].kind == "diverging"
        color_bar(ColorScale(scales[0].kind, 0.0 - signed, 1.0), f"{SCOPES['each']}.", sides=len(alike))
    elif choice == "network":
        color_bar(scales[0], f"{SCOPES['network']}: full colour is {number(scales[0].high)}.", sides=len(alike))
    else:
        color_bar(scales[0], sides=len(alike))
    place = grid(
        colorize(maps, scales),
        key=f"maps_{alike[0].network.id}_{layer_output.name}".replace(".", "_"),
        label=f"Feature maps of {layer_output.name}",
        names=[f"map {channel}" for channel in range(len(maps))],
        dead=_dead(maps),
        selected=_strongest(alike[0]),
        side=side,
    )
    _dead_note(maps)
    map_table(layer_output, side)
    return partial(details, layer_output, scales[place.tile], place, side, narrow=narrow)


def _layer_scale(alike: Sequence[Made], choice: str) -> ColorScale:
    """Return the scale of one layer of one or two networks, or of all their layers that have maps."""
    outputs = [each.values for each in alike]
    if choice == "network":
        outputs = []
        for each in alike:
            names = [layer.name for layer in layers_of(each.network)]
            outputs += inference.activations(each.network, names, each.picture).values()
        outputs = [values for values in outputs if values.ndim == 3]
    return ColorScale.of(np.concatenate([values.ravel() for values in outputs]), percentile=PERCENTILE)


def _pick_layer(network: Network) -> LayerEntry:
    """Ask for a layer, in the order of the stack; the address carries it (`layer`)."""
    layers = {layer.name: layer for layer in layers_of(network)}
    chosen = ask_layer(
        network,
        "Layer, in the order in which the picture passes through",
        list(layers),
        f"layer_{network.id}",
    )
    return layers[chosen]


def _dead(maps: "NDArray[np.float32]") -> list[int]:
    return [channel for channel, values in enumerate(maps) if not values.any()]


def _strongest(layer_output: Made) -> Selection:
    """Return the place of the largest number, what the layer answers most strongly to.

    It is that of the latest weights whatever the epoch, so that the epochs show the same unit.
    """
    maps = layer_output.values
    with suppress(ConvScopeError):  # damaged
        maps = make(layer_output.network.at(None), layer_output.name, layer_output.picture).values
    place = int(maps.argmax())
    tile, rest = divmod(place, maps[0].size)
    return Selection(tile, *divmod(rest, maps.shape[2]))


def _dead_note(maps: "NDArray[np.float32]") -> None:
    count = len(_dead(maps))
    if count:
        are = f"{count} of {len(maps)} maps {'is' if count == 1 else 'are'}"
        st.caption(f"{are} hatched: zero everywhere, because nothing in this picture moves them.")
