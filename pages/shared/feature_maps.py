"""What the layers of a network make of one picture: a layer to choose, and its maps as one grid."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError
from core.figures.grids import colorize
from core.figures.scales import ColorScale
from core.inference.network import Network
from pages.shared import menu, results, subjects
from pages.shared.anatomy import Listed, layers_of
from pages.shared.compare import LETTERS, attempts, side_by_side, taken
from pages.shared.controls import ask_layer
from pages.shared.layout import plain, show_errors
from pages.shared.maps import color_bar, dimensions, grid
from pages.shared.numbers import number_row
from pages.shared.predictions import class_name, share
from pages.shared.units import Made, details, make
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def answer(both: Sequence[Network], picture: subjects.Picture) -> None:
    """Show the picture as the network receives it, and its answer in one line, or those of both networks."""
    pixels = picture.array()
    zoom = max(1, -(-192 // max(pixels.shape[:2])))
    st.image(pixels.repeat(zoom, axis=0).repeat(zoom, axis=1), width=192, alt="The picture as the network receives it")
    verdicts = attempts(both, partial(_verdict, picture=picture))
    taken(verdicts[0])
    for letter, verdict in zip(LETTERS, verdicts, strict=False):
        if isinstance(verdict, str):  # what is wrong with the second network stands where its maps would
            st.markdown(f"**{letter}** says {verdict}" if len(both) > 1 else f"The network says {verdict}")
    st.caption(f"{plain(picture.title)}, {dimensions(picture.shape)}")


def _verdict(weights: Network, picture: subjects.Picture) -> str:
    probabilities = results.probabilities(weights, picture)
    best = int(probabilities.argmax())
    verdict = f"**{class_name(weights, best)}**, {share(probabilities[best])} sure."
    if picture.label is None:
        return verdict
    right = "right" if best == picture.label else f"wrong: it is **{class_name(weights, picture.label)}**"
    return f"{verdict} That is {right}."


@st.fragment
def layer_maps(both: Sequence[Network], picture: subjects.Picture) -> None:
    """Ask for a layer, show all that it makes of a picture, and the chosen unit below with its numbers."""
    with show_errors():
        layer = _pick_layer(both[0])
        st.markdown(f"**{plain(layer.name)}**: {layer.description}")
        found = attempts(both, partial(make, layer=layer.name, picture=picture))
        first = taken(found[0])
        alike = [each for each in found if isinstance(each, Made) and each.values.shape == first.values.shape]

        def draw(side: int) -> Callable[[], None] | None:
            made = taken(found[side])
            shown = alike if made in alike else [made]
            if made not in alike:
                st.caption(f"Its {layer.name} puts out {dimensions(made.values.shape)}: a scale of its own.")
            if made.values.ndim == 1:
                return number_row(made, shown, side)
            return _maps(made, shown, side, narrow=len(both) > 1)

        side_by_side(both, draw)
        if layer.kind not in ("flatten", "residual", "block"):  # the first computes nothing, the others are several
            menu.link("maths", f"Follow the sums of {layer.name}", layer=layer.name)


def _maps(made: Made, alike: Sequence[Made], side: int, *, narrow: bool) -> Callable[[], None]:
    """Show all maps of a layer, and return what shows the chosen unit."""
    maps = made.values
    scale = ColorScale.of([each.values for each in alike], percentile=99.5)
    color_bar(scale, sides=len(alike))
    place = grid(
        colorize(maps, scale),
        key=f"maps_{alike[0].weights.id}_{made.name}".replace(".", "_"),
        label=f"Feature maps of {made.name}",
        names=[f"map {channel}" for channel in range(len(maps))],
        dead=_dead(maps),
        selected=_strongest(alike[0]),
        side=side,
    )
    _dead_note(maps)
    return partial(details, made, scale, place, side, narrow=narrow)


def _pick_layer(weights: Network) -> Listed:
    """Ask for a layer, in the order of the stack; the address carries it (`layer`)."""
    layers = {layer.name: layer for layer in layers_of(weights)}
    chosen = ask_layer(
        "Layer, in the order in which the picture passes through",
        list(layers),
        f"layer_{weights.id}",
        note=lambda name: layers[name].note,
    )
    return layers[chosen]


def _dead(maps: "NDArray[np.float32]") -> list[int]:
    return [channel for channel, values in enumerate(maps) if not values.any()]


def _strongest(made: Made) -> Selection:
    """Return the place of the largest number, what the layer answers most strongly to.

    It is that of the latest weights whatever the epoch, so that the epochs show the same unit.
    """
    maps = made.values
    with suppress(ConvScopeError):  # damaged
        maps = make(made.weights.at(None), made.name, made.picture).values
    place = int(maps.argmax())
    tile, rest = divmod(place, maps[0].size)
    return Selection(tile, *divmod(rest, maps.shape[2]))


def _dead_note(maps: "NDArray[np.float32]") -> None:
    count = len(_dead(maps))
    if count:
        are = f"{count} of {len(maps)} maps {'is' if count == 1 else 'are'}"
        st.caption(f"{are} hatched: zero everywhere, because nothing in this picture moves them.")
