"""Grids of maps as one clickable picture, their colour bar, and one map enlarged with its numbers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.grids import sprite
from core.figures.scales import SCOPES, ColorScale, legend
from core.inference.network import Network
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.image_grid import Selection, image_grid

if TYPE_CHECKING:
    import numpy as np

    from core.figures.map_detail import Box

COLUMNS = 16  # of the sheet; on the screen their number follows the width
MAX_NUMBERED_SIDE = 12  # rows and columns of an enlarged map whose numbers can be read


def training_note(networks: Sequence[Network]) -> None:
    """Say that the weights of a run still change, and offer to look again."""
    training = [(network.epoch, network.run) for network in networks if network.run and network.in_training]
    if not training:
        return
    epoch, run = training[0]
    words = "new epochs appear on the slider"
    if epoch is None:
        words = f"these are the weights of about step {run.step:,}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Still in training: {words}.", width="content")
        st.button("Refresh", icon=":material/refresh:", key="refresh", type="tertiary")


def color_bar(scale: ColorScale, words: str = "", *, sides: int = 1) -> None:
    """Draw a colour bar with its numbers and a caption.

    Args:
        scale: The colours.
        words: What they mean, a sentence or two; the scale's own words if empty.
        sides: 2 where two networks have this one scale.
    """
    about = legend(scale)
    low, middle, high = about.labels
    st.html(
        f'<div style="max-width: 22rem"><div style="height: 10px; border-radius: 3px; background: {about.css}"></div>'
        '<div style="display: flex; justify-content: space-between; font-size: 0.8rem">'
        f"<span>{low}</span><span>{middle}</span><span>{high}</span></div></div>"
    )
    st.caption(escape_markdown((f"{SCOPES['networks']}. " if sides > 1 else "") + (words or about.text)))


def grid(
    pixels: "np.ndarray",
    *,
    key: str,
    label: str,
    names: Sequence[str],
    dead: Collection[int] = (),
    selected: Selection,
    scale: float | None = None,
    side: int = 0,
) -> Selection:
    """Show pictures, uint8 (N, H, W, 3), as one sheet and return the selected pixel; see `image_grid`.

    A second grid of the same key and `side` 1 keeps the same pixel chosen, whichever of the two is clicked.
    """
    count, height, width, _ = pixels.shape
    place, name = _linked(key, side, (count, height, width))
    chosen = image_grid(
        sprite(pixels, COLUMNS),
        count=count,
        width=width,
        height=height,
        columns=min(COLUMNS, count),
        key=name,
        label=label + ", B" * side,
        tile_labels=names,
        dead=dead,
        scale=scale,
        selected=place or selected,
    )
    return chosen or selected


def _linked(key: str, side: int, shape: tuple[int, int, int]) -> tuple[Selection | None, str]:
    """Return the place last clicked on either side, if this grid has it, and Streamlit's key of the grid."""
    place, versions = st.session_state.get(f"linked_{key}", (None, (0, 0)))
    clicked = [_clicked(_grid_key(key, *each), shape) for each in enumerate(versions)]
    place = next((each for each in clicked if each not in (None, place)), place)
    # A grid shows what was last clicked on it. Only one that is made anew shows what was clicked on the other.
    versions = tuple(count + (each not in (None, place)) for count, each in zip(versions, clicked, strict=True))
    st.session_state[f"linked_{key}"] = place, versions
    return place if place and _fits(astuple(place), shape) else None, _grid_key(key, side, versions[side])


def _grid_key(key: str, side: int, version: int) -> str:
    return key + "_b" * side + f"_{version}" * (version > 0)


def _clicked(key: str, shape: tuple[int, int, int]) -> Selection | None:
    """Return the place that a grid has in the session; what comes from the browser is looked at twice."""
    value = st.session_state.get(key)
    place = value.get("selection") if isinstance(value, Mapping) else None
    return Selection(*place) if isinstance(place, list) and _fits(tuple(place), shape) else None


def _fits(place: tuple[Any, ...], shape: tuple[int, int, int]) -> bool:
    return len(place) == 3 and all(type(at) is int and 0 <= at < size for at, size in zip(place, shape, strict=True))


def enlarged(
    values: "np.ndarray",
    scale: ColorScale,
    *,
    title: str,
    key: str,
    place: tuple[int, int],
    box: "Box | None" = None,
    most: int = MAX_NUMBERED_SIDE,
    height: int = 380,
    bar: bool = False,
) -> None:
    """Draw one map large.

    Args:
        values: The map, float (H, W).
        scale: That of its grid.
        title: What it shows, in a few words.
        key: Streamlit's key.
        place: The row and column that must be in view.
        box: The part to frame; the place alone if None.
        most: A map of more rows or columns is cut to so many around `place`, so that their numbers have room.
        height: Screen pixels.
        bar: Whether the scale stands beside it, because no grid above it has the same.
    """
    from core.figures.map_detail import around, enlarged_map

    rows, columns = values.shape
    part = around((rows, columns), *place, most)
    figure = enlarged_map(
        values[part[0] : part[2], part[1] : part[3]],
        scale,
        title=title,
        height=height,
        origin=part[:2],
        box=box or (place[0], place[1], place[0] + 1, place[1] + 1),
    )
    if not bar:
        figure.update_traces(showscale=False, selector={"type": "heatmap"})
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=f"{title}, enlarged, with its numbers")
