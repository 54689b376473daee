"""The race: optimisers on a landscape of two weights, from the point that is clicked on its map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.optimizer_courses import brief, course_chart, course_rows, seat
from core.figures.overlay_curves import swatch
from core.figures.scales import number
from core.maths.landscapes import LANDSCAPES, Landscape, Point
from core.maths.races import race
from core.maths.rules import OPTIMIZERS
from pages.shared import state
from pages.shared.bench_start import ask_start, show_map
from pages.shared.charts import chart
from pages.shared.layout import show_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST = "valley"
RACERS = ("gd", "sgd", "momentum", "nesterov", "rmsprop", "adam")
FARTHEST = 300  # steps
FACTORS = (0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0)
NEAR = 0.05  # of the landscape's width: as good as there


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
        default=FIRST,
        format_func=lambda name: LANDSCAPES[name].title,
        required=True,
        key="bench_landscape",
        persist_state="session",
    )
    return chosen or FIRST


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
    return sorted(racers, key=seat)


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
        "": [swatch(seat(name), state.theme()) for name in paths],
        "Optimiser": [brief(name) for name in paths],
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


def arrival(ground: Landscape, path: "NDArray[np.float64]") -> str:
    """Say from which step on a path stays near one lowest point, or what became of it."""
    if not np.isfinite(path).all():
        return f"left at {int(np.isfinite(path).all(axis=1).sum()) - 1}"
    (left, right), _ = ground.bounds
    gaps = np.linalg.norm(path[:, None] - np.array(ground.minima, dtype=np.float64), axis=2)
    near = gaps[:, int(gaps[-1].argmin())] < NEAR * (right - left) / 2
    if not near[-1]:
        return "not yet"
    away = np.flatnonzero(~near)
    return f"step {int(away[-1]) + 1 if len(away) else 0}"


def _heights(ground: Landscape, paths: "Mapping[str, NDArray[np.float64]]", steps: int) -> None:
    """Draw the loss of each racer over the steps."""
    if not paths:
        return
    log = st.toggle("Logarithmic height", value=True, key="bench_race_log", persist_state="session")
    lowest = float(ground.value(ground.minimum))
    above = {name: ground.value(path) - lowest for name, path in paths.items()}
    chart(
        course_chart(list(paths), "Height above the lowest point", steps=steps, log=log, theme=state.theme()),
        course_rows(above),
        key="bench_race_heights",
        alt="Height above the lowest point by step, one line for each optimiser",
    )


def _surface(ground: Landscape, paths: "Mapping[str, NDArray[np.float64]]") -> None:
    if not st.toggle("Show the landscape in three dimensions", key="bench_race_surface"):
        return
    from core.figures.landscapes import surface

    st.plotly_chart(
        surface(ground, paths, theme=state.theme()),
        key="bench_surface",
        config={"displayModeBar": False},
        alt=f"{ground.title} as a surface, with the way of each optimiser on it",
    )
    st.caption(
        "Drag to turn it. The height is drawn on a logarithmic scale, so that steep walls leave the floor its shape; "
        "pointing at it names the true one."
    )
