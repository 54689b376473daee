"""Grids of maps: many as one picture in one stated colour scale, and one of them enlarged with its numbers."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.figures.grids import sprite
from core.figures.scales import ColorScale, legend
from core.runs.records import Run
from pages.shared.layout import plain
from pages.shared.widgets.image_grid import Selection, image_grid

if TYPE_CHECKING:
    import numpy as np

    from core.figures.enlarged import Box

COLUMNS = 16  # of the sheet; on the screen their number follows the width
ROOM = 12  # rows and columns of an enlarged map whose numbers can be read


def dimensions(shape: tuple[int, ...]) -> str:
    """Write a shape: "32 × 28 × 28"."""
    return " × ".join(map(str, shape))


def training_note(run: Run) -> None:
    """Say that the weights of a run still change, and offer to look again."""
    if not run.status.active:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Still in training: these are the weights of about step {run.step:,}.", width="content")
        st.button("Refresh", icon=":material/refresh:", key="refresh", type="tertiary")


def color_bar(scale: ColorScale, words: str = "") -> None:
    """Say in colours, numbers and words what the colours of a grid mean; in the scale's own words by default."""
    shown = legend(scale)
    low, middle, high = shown.labels
    st.html(
        f'<div style="max-width: 22rem"><div style="height: 10px; border-radius: 3px; background: {shown.css}"></div>'
        '<div style="display: flex; justify-content: space-between; font-size: 0.8rem">'
        f"<span>{low}</span><span>{middle}</span><span>{high}</span></div></div>"
    )
    st.caption(plain(words or shown.text))


def grid(
    pixels: "np.ndarray",
    *,
    key: str,
    label: str,
    names: Sequence[str],
    dead: Collection[int] = (),
    selected: Selection,
    scale: float | None = None,
) -> Selection:
    """Show pictures, uint8 (N, H, W, 3), as one sheet and return the chosen pixel; see `image_grid`."""
    count, height, width, _ = pixels.shape
    chosen = image_grid(
        sprite(pixels, COLUMNS),
        count=count,
        width=width,
        height=height,
        columns=min(COLUMNS, count),
        key=key,
        label=label,
        tile_labels=names,
        dead=dead,
        scale=scale,
        selected=selected,
    )
    return chosen or selected


def enlarged(
    values: "np.ndarray",
    scale: ColorScale,
    *,
    title: str,
    key: str,
    place: tuple[int, int],
    box: "Box | None" = None,
    most: int = ROOM,
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
    from core.figures.enlarged import around, enlarged_map

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
