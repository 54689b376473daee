"""Where a race begins: a click on the landscape's map, or two numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.landscapes import landscape_map, map_size, place_of, point_at, race_png
from core.maths.landscapes import LANDSCAPES, Point
from pages.shared import state
from pages.shared.widgets.image_grid import Selection, image_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

AXES = ("x", "y")
DIGITS = 3


def ask_start(name: str) -> Point:
    """Return the start on a landscape: the last of what was clicked and what was typed, at first its own."""
    ground = LANDSCAPES[name]
    keys = [f"bench_start_{axis}_{name}" for axis in AXES]
    kept = st.session_state.get(f"bench_start_{name}", ground.start)
    for key, value in zip(keys, _clicked(name) or kept, strict=True):
        if key not in st.session_state or _clicked(name):
            st.session_state[key] = float(value)
    st.session_state[_seen(name)] = _raw(name)

    def typed() -> None:
        """Make the map anew: one that was clicked would go on marking that place."""
        st.session_state[_made(name)] = st.session_state.get(_made(name), 0) + 1
        st.session_state[_seen(name)] = None

    with st.grid(2, min_column_width=110, gap="small"):
        start = [
            st.number_input(
                f"Start, {axis}", low, high, step=(high - low) / 40, format="%.3f", key=key, on_change=typed
            )
            for axis, key, (low, high) in zip(
                AXES, keys, [tuple(map(float, bounds)) for bounds in ground.bounds], strict=True
            )
        ]
    st.session_state[f"bench_start_{name}"] = start
    return float(start[0]), float(start[1])


def show_map(name: str, paths: "Mapping[str, NDArray[np.float64]]") -> None:
    """Draw the ways over the map of a landscape; a click on it is the next start."""
    ground, theme = LANDSCAPES[name], state.theme()
    width, height = map_size(ground)
    start = place_of(ground, st.session_state[f"bench_start_{name}"])
    image_grid(
        race_png(ground, _map(name, theme), paths, st.session_state[f"bench_start_{name}"], theme=theme),
        count=1,
        width=width,
        height=height,
        columns=1,
        key=_key(name),
        label=f"Map of {ground.title}: click to choose the start",
        tile_labels=["Place on the map"],
        scale=0.5,
        selected=Selection(0, *start),
    )
    (left, right), (low, high) = ground.bounds
    st.caption(
        f"x runs from {left:g} to {right:g} to the right, y from {low:g} to {high:g} upwards; darker is lower, and "
        "lines join points of one height. Ring: the start. Cross: a lowest point. Each way ends in its sign.".replace(
            "-", "−"
        )
    )


@st.cache_data(show_spinner=False, max_entries=12)
def _map(name: str, theme: str) -> "NDArray[np.uint8]":
    return landscape_map(LANDSCAPES[name], theme=theme)


def _clicked(name: str) -> Point | None:
    """Return what was clicked since the last run; what comes from the browser is looked at twice."""
    place, (width, height) = _raw(name), map_size(LANDSCAPES[name])
    if place is None or place == st.session_state.get(_seen(name)):
        return None
    if len(place) != 3 or not all(type(at) is int for at in place):
        return None
    if not (0 <= place[1] < height and 0 <= place[2] < width):
        return None
    x, y = point_at(LANDSCAPES[name], place[1], place[2])
    return round(x, DIGITS), round(y, DIGITS)


def _raw(name: str) -> list[int] | None:
    value = st.session_state.get(_key(name))
    place = value.get("selection") if isinstance(value, Mapping) else None
    return place if isinstance(place, list) else None


def _key(name: str) -> str:
    return f"bench_map_{name}_{st.session_state.get(_made(name), 0)}"


def _made(name: str) -> str:
    return f"bench_map_made_{name}"


def _seen(name: str) -> str:
    return f"bench_map_seen_{name}"
