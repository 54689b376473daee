"""Layers without places: a row of numbers, and for the last one a number for each class."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from core.figures.grids import colorize
from core.figures.scales import ColorScale, number
from core.model.layers import Activation, BatchNorm, Dropout, Flatten, GlobalAvgPool
from pages.shared import state
from pages.shared.maps import ONE_SCALE, color_bar, dimensions, enlarged, grid
from pages.shared.units import Made, explain_link, sees
from pages.shared.widgets.image_grid import Selection

MOST = 4096  # numbers in a picture
WIDEST = 128
MOST_BARS = 24


def number_row(made: Made, alike: Sequence[Made], side: int) -> Callable[[], None] | None:
    """Show a layer's numbers as one strip, or as a bar for each class where they are the answer.

    Args:
        made: The numbers, float (F,).
        alike: Those that share its colours, itself among them.
        side: 1 for the second of two networks, else 0.

    Returns:
        What shows the chosen number; None where all are read already.
    """
    values = made.values
    if _names_classes(made):
        _scores(made, alike, side)
        return None
    scale = ColorScale.of([each.values for each in alike], percentile=99.5)
    color_bar(scale, sides=len(alike))
    shown = values[:MOST]
    columns = _columns(len(shown))
    strip = np.full(-(-len(shown) // columns) * columns, np.nan)
    strip[: len(shown)] = shown
    place = grid(
        colorize(strip.reshape(1, -1, columns), scale),
        key=f"numbers_{alike[0].weights.id}_{made.name}".replace(".", "_"),
        label=f"Numbers of {made.name}",
        names=[f"the {len(shown):,} numbers of {made.name}"],
        selected=Selection(0, *divmod(int(alike[0].values[:MOST].argmax()), columns)),
        scale=max(1, min(24, 896 // columns)),
        side=side,
    )
    chosen = min(place.row * columns + place.col, len(shown) - 1)
    st.caption(_strip_words(len(values), len(shown), columns, int((values == 0).sum())))
    return partial(_details, made, scale, chosen, side)


def _names_classes(made: Made) -> bool:
    """Say whether a layer's numbers are the answer: one for each class, and no layer behind it mixes them again."""
    if made.weights.spec is None:
        return made.index == len(made.names) - 1
    rest = made.weights.spec.layers[made.index + 1 :]
    return all(isinstance(layer, Activation | Dropout | BatchNorm) for layer in rest)


def _scores(made: Made, alike: Sequence[Made], side: int) -> None:
    from core.figures.bars import scores

    names, theme = made.weights.class_names, state.theme()
    st.caption("One number (logit) for each class. The largest is the answer; softmax turns them into probabilities.")
    if len(names) > MOST_BARS:
        st.caption(f"The {MOST_BARS} largest of {len(names):,}.")
        first = (-alike[0].values).argsort(kind="stable")[:MOST_BARS]
        figure = scores([names[index] for index in first], made.values[first], theme=theme)
    else:
        figure = scores(names, made.values, true=made.picture.label, theme=theme)
    if len(alike) > 1:
        values = np.concatenate([each.values for each in alike])
        reach = 1.2 * max(float(np.abs(values).max()), 1e-9)
        figure.update_xaxes(range=[-reach if values.min() < 0 else 0.0, reach])
        st.caption(f"{ONE_SCALE}The bars end at {number(reach)}.")
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
    widest = 64 if count <= 2048 else WIDEST
    return next((columns for columns in range(widest, 15, -1) if count % columns == 0), min(count, widest))


def _details(made: Made, scale: ColorScale, chosen: int, side: int) -> None:
    """Show one number, its neighbours, where it comes from and what it sees."""
    layer, before, index = made.layer, made.before, made.index
    value = number(float(made.values[chosen]))
    st.subheader(f"Number {chosen} of {made.name}", anchor=False)
    with st.grid(2, min_column_width=300, gap="medium"):
        with st.container():
            st.markdown(f"**{value}**, {_origin(made, chosen)}.")
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
                    made.values[None], scale, title="Numbers", key=f"row_{side}", place=(0, chosen), most=8, height=130
                )
        with st.container():
            st.markdown("**What it sees**")
            if isinstance(layer, Flatten) and before.ndim == 3 and index:
                sees(made, index - 1, *divmod(chosen % before[0].size, before.shape[2]))
            else:
                sees(made, index)
            explain_link(made, chosen)


def _origin(made: Made, chosen: int) -> str:
    layer, before = made.layer, made.before
    source = made.source
    if isinstance(layer, Flatten) and before.ndim == 3:
        channel, place = divmod(chosen, before[0].size)
        row, col = divmod(place, before.shape[2])
        return f"taken from row {row}, column {col} of map {channel} of {source}"
    if isinstance(layer, GlobalAvgPool):
        return f"the mean of the {dimensions(before[chosen].shape)} numbers of map {chosen} of {source}"
    return f"made from {before.size:,} numbers of {source}"
