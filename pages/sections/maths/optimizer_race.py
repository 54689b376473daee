"""The race: optimisers on a landscape of two weights, from the point that is clicked on its map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.landscapes import landscape_map, map_size, place_of, point_at, race_png, surface
from core.figures.optimizer_courses import course_chart, course_rows, order_of, short_name
from core.figures.overlay_curves import swatch
from core.formatting import formatted, number
from core.maths.landscapes import LANDSCAPES, Landscape, Point
from core.maths.races import arrival, race
from core.maths.rules import OPTIMIZERS
from pages.sections.maths.article import read_on
from pages.shared.display.vega_charts import chart
from pages.shared.shell import session
from pages.shared.shell.layout import show_errors
from pages.shared.widgets.image_grid import Selection, image_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

AXES = ("x", "y")
DIGITS = 3


def ask_start(name: str) -> Point:
    """Return the start on a landscape: the last of what was clicked and what was typed, at first its own."""
    ground = LANDSCAPES[name]
    keys = [f"bench_start_{axis}_{name}" for axis in AXES]
    stored = st.session_state.get(f"bench_start_{name}", ground.start)
    for key, value in zip(keys, _clicked(name) or stored, strict=True):
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
    ground, theme = LANDSCAPES[name], session.theme()
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
        f"x runs from {formatted(left, 'g')} to {formatted(right, 'g')} to the right, y from {formatted(low, 'g')} to "
        f"{formatted(high, 'g')} upwards; darker is lower, and lines join points of one height. "
        "Ring: the start. Cross: a lowest point. Each way ends in its sign."
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


DEFAULT_LANDSCAPE = "valley"
RACERS = ("gd", "sgd", "momentum", "nesterov", "rmsprop", "adam")
FARTHEST = 300  # steps
FACTORS = (0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0)


@st.fragment
def landscape_race() -> None:
    """Ask for a landscape, a start, the optimisers and their rates, and show who goes where."""
    st.subheader("A race over a landscape", anchor=False)
    st.markdown(
        "A loss of only two weights, x and y, can be drawn as land: every point is a choice of both, its height the "
        "loss. All optimisers begin at one point and want to the lowest. **Click the map to choose where.**"
    )
    with show_errors():
        name = _ask_landscape()
        ground = LANDSCAPES[name]
        st.markdown(f"**{ground.title}.** {ground.summary}")
        st.latex(f"L(x, y) = {ground.formula}")
        racers = _ask_racers()
        drawing, asking = st.columns([3, 2], gap="large")
        with asking:
            steps, factor, noise = _ask_race()
            start = ask_start(name)
        ways = _race(name, start, tuple(racers), factor, noise)
        paths = {racer: path[: steps + 1] for racer, path in ways.items()}
        with drawing:
            show_map(name, paths)
        _results(ground, paths, {racer: ground.lrs[racer] * factor for racer in racers})
        _heights(ground, paths, steps)
        _surface(ground, paths)
        read_on("landscape")


@st.cache_data(show_spinner=False, max_entries=128)
def _race(
    name: str, start: Point, racers: tuple[str, ...], factor: float, noise: float
) -> "dict[str, NDArray[np.float64]]":
    rates = {racer: LANDSCAPES[name].lrs[racer] * factor for racer in racers}
    return race(name, start, racers, FARTHEST, rates, noise=noise)


def _ask_landscape() -> str:
    chosen = st.pills(
        "Landscape",
        list(LANDSCAPES),
        default=DEFAULT_LANDSCAPE,
        format_func=lambda name: LANDSCAPES[name].title,
        required=True,
        key="bench_landscape",
        persist_state="session",
    )
    return chosen or DEFAULT_LANDSCAPE


def _ask_racers() -> Sequence[str]:
    racers = st.pills(
        "Optimisers",
        list(OPTIMIZERS),
        selection_mode="multi",
        default=list(RACERS),
        format_func=lambda name: OPTIMIZERS[name].title,
        key="bench_racers",
        persist_state="session",
    )
    return sorted(racers, key=order_of)


def _ask_race() -> tuple[int, float, float]:
    """Ask for how many steps, with which learning rates, and with how much noise."""
    steps = st.slider("Steps", 1, FARTHEST, 60, key="bench_race_steps", persist_state="session")
    factor = st.select_slider(
        "Learning rates",
        FACTORS,
        1.0,
        format_func=lambda times: "well chosen" if times == 1 else f"× {times:g}",
        key="bench_race_rate",
        persist_state="session",
        help="Each optimiser has a rate of its own that suits this landscape; all are multiplied alike.",
    )
    noise = st.slider(
        "Noise of the mini-batches",
        0.0,
        0.5,
        0.05,
        0.05,
        key="bench_race_noise",
        persist_state="session",
        help="Added to every gradient but that of plain gradient descent, which sees all images: a share of the "
        "slope at the start. Without noise, stochastic and plain gradient descent go the same way.",
    )
    return int(steps), float(factor), float(noise)


def _results(ground: Landscape, paths: "Mapping[str, NDArray[np.float64]]", rates: Mapping[str, float]) -> None:
    """List where each one stands now."""
    if not paths:
        st.info("Nobody races: choose an optimiser above.")
        return
    rows: dict[str, list[Any]] = {
        "": [swatch(order_of(name), session.theme()) for name in paths],
        "Optimiser": [short_name(name) for name in paths],
        "Height": [_last(ground, path) for path in paths.values()],
        "There after": [arrival(ground, path) for path in paths.values()],
        "Learning rate": [rates[name] for name in paths],
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "": st.column_config.ImageColumn(width=44),
            "Height": st.column_config.TextColumn(width=80),
            "There after": st.column_config.TextColumn(width=100),
            "Learning rate": st.column_config.NumberColumn(format="%.3g", width=100),
        },
        key="bench_race_table",
        alt="Each optimiser with its height now, the step at which it arrived, and its learning rate",
    )
    st.caption(
        f"Height: the loss now; the lowest there is {number(float(ground.value(ground.minimum)), 3)}. "
        "There after: the step from which on it stays near a lowest point. "
        "SGD is stochastic gradient descent, GD gradient descent."
    )


def _last(ground: Landscape, path: "NDArray[np.float64]") -> str:
    return number(float(ground.value(path[-1])), 3) if np.isfinite(path[-1]).all() else "off the map"


def _heights(ground: Landscape, paths: "Mapping[str, NDArray[np.float64]]", steps: int) -> None:
    """Draw the loss of each racer over the steps."""
    if not paths:
        return
    log = st.toggle("Logarithmic height", value=True, key="bench_race_log", persist_state="session")
    lowest = float(ground.value(ground.minimum))
    above = {name: ground.value(path) - lowest for name, path in paths.items()}
    chart(
        course_chart(list(paths), "Height above the lowest point", steps=steps, log=log, theme=session.theme()),
        course_rows(above),
        key="bench_race_heights",
        alt="Height above the lowest point by step, one line for each optimiser",
    )


def _surface(ground: Landscape, paths: "Mapping[str, NDArray[np.float64]]") -> None:
    if not st.toggle("Show the landscape in three dimensions", key="bench_race_surface"):
        return
    st.plotly_chart(
        surface(ground, paths, theme=session.theme()),
        key="bench_surface",
        config={"displayModeBar": False},
        alt=f"{ground.title} as a surface, with the way of each optimiser on it",
    )
    st.caption(
        "Drag to turn it. The height is drawn on a logarithmic scale, so that steep walls leave the floor its shape; "
        "pointing at it names the true one."
    )
