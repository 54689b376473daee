"""What the layers of a network make of one picture: a layer to choose, and its maps as one grid."""

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.grids import colorize
from core.figures.scales import ColorScale
from core.model.layers import LAYERS
from core.model.shapes import LayerSummary, summarize
from core.runs.records import Run
from pages.shared import results
from pages.shared.layout import plain, show_errors
from pages.shared.maps import color_bar, dimensions, grid
from pages.shared.numbers import number_row
from pages.shared.predictions import class_name, share
from pages.shared.units import details
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT = "input"


def answer(run: Run, picture: results.Picture) -> None:
    """Show the picture as the network receives it, and its answer in one line."""
    pixels = picture.array()
    zoom = max(1, -(-192 // max(pixels.shape[:2])))
    st.image(pixels.repeat(zoom, axis=0).repeat(zoom, axis=1), width=192, alt="The picture as the network receives it")
    probabilities = results.probabilities(run, picture)
    best = int(probabilities.argmax())
    verdict = f"The network says **{class_name(run, best)}**, {share(probabilities[best])} sure."
    if picture.label is not None:
        right = "right" if best == picture.label else f"wrong: it is **{class_name(run, picture.label)}**"
        verdict += f" That is {right}."
    st.markdown(verdict)
    st.caption(f"{plain(picture.title)}, {dimensions(picture.shape)}")


@st.fragment
def layer_maps(run: Run, picture: results.Picture) -> None:
    """Ask for a layer, show all that it makes of a picture, and the chosen unit below with its numbers."""
    with show_errors():
        summaries = summarize(run.spec)
        index = _pick_layer(run, summaries)
        summary = summaries[index]
        before = summaries[index - 1].name if index else INPUT
        made = results.activations(run, (before, summary.name), picture)
        st.markdown(f"**{summary.name}**: {LAYERS[summary.kind].description}")
        if made[summary.name].ndim == 1:
            number_row(run, picture, index, made[before], made[summary.name])
            return
        maps = made[summary.name]
        scale = ColorScale.of(maps, percentile=99.5)
        color_bar(scale)
        place = grid(
            colorize(maps, scale),
            key=f"maps_{run.id}_{summary.name}",
            label=f"Feature maps of {summary.name}",
            names=[f"map {channel}" for channel in range(len(maps))],
            dead=_dead(maps),
            selected=_strongest(maps),
        )
        _dead_note(maps)
        details(run, picture, index, made[before], maps, scale, place)


def _pick_layer(run: Run, summaries: tuple[LayerSummary, ...]) -> int:
    """Ask for a layer, in the order of the stack; the address carries it (`layer`)."""
    names = [summary.name for summary in summaries]
    key = f"layer_{run.id}"
    asked = st.query_params.get("layer")
    if asked in names and st.session_state.get(key) != asked:
        st.session_state[key] = asked

    def follow() -> None:
        st.query_params["layer"] = st.session_state[key] or names[0]

    st.session_state.setdefault(key, names[0])
    chosen = st.pills(
        "Layer, in the order in which the picture passes through",
        names,
        format_func=lambda name: f"{name} :small[{_short(summaries[names.index(name)].output_shape)}]",
        required=True,
        key=key,
        on_change=follow,
        persist_state="session",
    )
    return names.index(chosen or names[0])


def _short(shape: tuple[int, ...] | None) -> str:
    return "×".join(map(str, shape or ()))


def _dead(maps: "NDArray") -> list[int]:
    return [channel for channel, values in enumerate(maps) if not values.any()]


def _strongest(maps: "NDArray") -> Selection:
    """Return the place of the largest number, what the layer answers most strongly to."""
    place = int(maps.argmax())
    tile, rest = divmod(place, maps[0].size)
    return Selection(tile, *divmod(rest, maps.shape[2]))


def _dead_note(maps: "NDArray") -> None:
    count = len(_dead(maps))
    if count:
        are = f"{count} of {len(maps)} maps {'is' if count == 1 else 'are'}"
        st.caption(f"{are} hatched: zero everywhere, because nothing in this picture moves them.")
