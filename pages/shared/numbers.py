"""Layers without places: a row of numbers, and for the last one a number for each class."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data.catalog import DATASETS
from core.figures.grids import colorize
from core.figures.scales import ColorScale, number
from core.model.layers import Activation, BatchNorm, Dropout, Flatten, GlobalAvgPool
from core.runs.records import Run
from pages.shared import results, state
from pages.shared.maps import color_bar, dimensions, enlarged, grid
from pages.shared.units import sees
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 4096  # numbers in a picture
WIDEST = 128


def number_row(run: Run, picture: results.Picture, index: int, before: "NDArray", values: "NDArray") -> None:
    """Show a layer's numbers, float (F,), as one strip, or as a bar for each class where they are the answer."""
    if _names_classes(run, index):
        _scores(run, picture, values)
        return
    scale = ColorScale.of(values, percentile=99.5)
    color_bar(scale)
    shown = values[:MOST]
    columns = _columns(len(shown))
    strip = np.full(-(-len(shown) // columns) * columns, np.nan)
    strip[: len(shown)] = shown
    sheet = strip.reshape(-1, columns)
    name = run.spec.layer_names[index]
    place = grid(
        colorize(sheet[None], scale),
        key=f"numbers_{run.id}_{name}",
        label=f"Numbers of {name}",
        names=[f"the {len(shown):,} numbers of {name}"],
        selected=Selection(0, *divmod(int(shown.argmax()), columns)),
        scale=max(1, min(24, 896 // columns)),
    )
    chosen = min(place.row * columns + place.col, len(shown) - 1)
    st.caption(_strip_words(len(values), len(shown), columns, int((values == 0).sum())))
    _details(run, picture, index, before, values, scale, chosen)


def _names_classes(run: Run, index: int) -> bool:
    """Say whether a layer's numbers are the answer: one for each class, and no layer behind it mixes them again."""
    rest = run.spec.layers[index + 1 :]
    return all(isinstance(layer, Activation | Dropout | BatchNorm) for layer in rest)


def _scores(run: Run, picture: results.Picture, values: "NDArray") -> None:
    from core.figures.bars import scores

    names = DATASETS[run.dataset].class_names
    st.caption("One number (logit) for each class. The largest is the answer; softmax turns them into probabilities.")
    figure = scores(names, values, true=picture.label, theme=state.theme())
    st.plotly_chart(figure, key="scores", config={"displayModeBar": False}, alt="The number of each class, as bars")


def _strip_words(count: int, shown: int, columns: int, zeros: int) -> str:
    cut = f", the first {shown:,} of them shown" if shown < count else ""
    rows = f", {columns} in each row" if shown > columns else ""
    none = {0: "none of them is zero", 1: "one of them is zero"}.get(zeros, f"{zeros:,} of them are zero")
    return f"{count:,} numbers{cut}{rows}, from left to right; {none}."


def _columns(count: int) -> int:
    """Return how many numbers stand in a row of the strip, so that the last row is full if that can be."""
    widest = 64 if count <= 2048 else WIDEST
    return next((columns for columns in range(widest, 15, -1) if count % columns == 0), min(count, widest))


def _details(
    run: Run,
    picture: results.Picture,
    index: int,
    before: "NDArray",
    values: "NDArray",
    scale: ColorScale,
    chosen: int,
) -> None:
    """Show one number, its neighbours, where it comes from and what it sees."""
    layer, names = run.spec.layers[index], run.spec.layer_names
    value = number(float(values[chosen]))
    st.subheader(f"Number {chosen} of {names[index]}", anchor=False)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{value}**, {_origin(layer, names, index, before, chosen)}.")
        if isinstance(layer, GlobalAvgPool):
            averaged = before[chosen]
            frame = (0, 0, *averaged.shape)
            enlarged(
                averaged, ColorScale.of(averaged), title="Activation", key="map", place=(0, 0), box=frame, bar=True
            )
        else:
            enlarged(values[None], scale, title="Numbers", key="row", place=(0, chosen), most=8, height=130)
    with right:
        st.markdown("**What it sees**")
        if isinstance(layer, Flatten) and before.ndim == 3 and index:
            sees(run, picture, names[index - 1], *divmod(chosen % before[0].size, before.shape[2]))
        else:
            sees(run, picture, names[index])


def _origin(layer: object, names: tuple[str, ...], index: int, before: "NDArray", chosen: int) -> str:
    source = names[index - 1] if index else "the picture"
    if isinstance(layer, Flatten) and before.ndim == 3:
        channel, place = divmod(chosen, before[0].size)
        row, col = divmod(place, before.shape[2])
        return f"taken from row {row}, column {col} of map {channel} of {source}"
    if isinstance(layer, GlobalAvgPool):
        return f"the mean of the {dimensions(before[chosen].shape)} numbers of map {chosen} of {source}"
    return f"made from {before.size:,} numbers of {source}"
