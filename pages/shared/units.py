"""One unit of a feature map: its number, its neighbours, what it sees of the picture, and what pooling made it of."""

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.scales import ColorScale, number
from core.figures.spotlights import spotlight
from core.model.layers import AvgPool, MaxPool
from core.probe.pooling import Window, pool_window
from core.probe.sight import receptive_field
from core.runs.records import Run
from pages.shared import results
from pages.shared.controls import ask_one
from pages.shared.maps import ROOM, dimensions, enlarged
from pages.shared.widgets.image_grid import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM_OF_THREE = 8  # rows and columns where three pictures stand side by side
VIEWS = {"part": "Numbers around it", "whole": "Whole map"}


def details(
    run: Run,
    picture: results.Picture,
    index: int,
    before: "NDArray",
    maps: "NDArray",
    scale: ColorScale,
    place: Selection,
) -> None:
    """Show the chosen unit of a layer of maps.

    Args:
        run: Whose network it is.
        picture: What it looks at.
        index: The layer's place in the stack.
        before: What went into the layer.
        maps: What came out, float (C, H, W).
        scale: The colours of the grid.
        place: The unit.
    """
    layer, name = run.spec.layers[index], run.spec.layer_names[index]
    values, at = maps[place.tile], (place.row, place.col)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(f"Map {place.tile} of {name}", anchor=False, width="content")
        pooled = isinstance(layer, MaxPool | AvgPool)
        size = max(before.shape[1:] if pooled else values.shape)
        most = ROOM_OF_THREE if pooled else ROOM
        if size > most and ask_one("Enlarge", VIEWS, "enlarge") == "whole":
            most = size
    height = 290 if pooled else 380
    columns = st.columns(3 if pooled else 2, gap="medium")
    if isinstance(layer, MaxPool | AvgPool):
        window = pool_window(before[place.tile], layer, *at)
        with columns[0]:
            st.markdown(f"**Before** pooling: {dimensions(before[0].shape)}")
            enlarged(
                before[place.tile],
                scale,
                title="Before pooling",
                key="before",
                place=window.winner or window.box[:2],
                box=window.box,
                most=most,
                height=height,
            )
            st.markdown(_calculation(window))
    with columns[-2]:
        st.markdown(f"**After** pooling: {dimensions(values.shape)}" if pooled else "**Enlarged**")
        enlarged(values, scale, title=f"Map {place.tile}", key="unit", place=at, most=most, height=height)
        st.markdown(f"Row {at[0]}, column {at[1]}: **{number(float(values[at]))}**. {_rank(values, at)}")
    with columns[-1]:
        st.markdown("**What this unit sees**")
        sees(run, picture, name, *at)


def sees(run: Run, picture: results.Picture, name: str, row: int = 0, col: int = 0) -> None:
    """Show which part of the picture a unit depends on."""
    box = receptive_field(run.spec, name, row, col)
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


def _calculation(window: Window) -> str:
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
