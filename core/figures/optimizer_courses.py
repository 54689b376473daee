"""Optimisers compared: a line for each over the steps, and the colour and marker that each has in every figure."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.figures.annotations import Rows
from core.figures.curves import LOG_AXIS, rounded
from core.figures.palette import HUES, SHAPES, THEMES
from core.maths.rules import OPTIMIZERS

Floats = NDArray[np.float64]

CORNERS: dict[
    str, list[tuple[float, float]]
] = {  # the signs of `core.figures.palette.SHAPES` as corners in a square from -1 to 1
    "square": [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
    "triangle-up": [(0, -0.9), (0.9, 0.8), (-0.9, 0.8)],
    "diamond": [(0, -1), (0.9, 0), (0, 1), (-0.9, 0)],
    "cross": [
        (-0.3, -0.9),
        (0.3, -0.9),
        (0.3, -0.3),
        (0.9, -0.3),
        (0.9, 0.3),
        (0.3, 0.3),
        (0.3, 0.9),
        (-0.3, 0.9),
        (-0.3, 0.3),
        (-0.9, 0.3),
        (-0.9, -0.3),
        (-0.3, -0.3),
    ],
    "triangle-down": [(0, 0.9), (0.9, -0.8), (-0.9, -0.8)],
    "triangle-right": [(0.9, 0), (-0.8, 0.9), (-0.8, -0.9)],
    "triangle-left": [(-0.9, 0), (0.8, 0.9), (0.8, -0.9)],
}


def hue(name: str, theme: str = "light") -> str:
    """Return the colour of an optimiser, the same in every figure."""
    return HUES[theme][order_of(name)]


def order_of(name: str) -> int:
    """Return the index of an optimiser in the order of colours and markers."""
    return list(OPTIMIZERS).index(name)


def short_name(name: str) -> str:
    """Return the short name of an optimiser: "GD" for gradient descent, "SGD", "Nesterov", …"""
    return {"gd": "GD", "sgd": "SGD", "nesterov": "Nesterov"}.get(name, OPTIMIZERS[name].title)


def course_rows(courses: Mapping[str, Sequence[float] | Floats]) -> Rows:
    """Return one row for each finite number of each optimiser, from step 0 on."""
    return [
        {"optimizer": short_name(name), "step": step, "value": rounded(value)}
        for name, values in courses.items()
        for step, value in enumerate(np.asarray(values, dtype=np.float64).tolist())
        if np.isfinite(value)
    ]


def course_chart(
    names: Sequence[str], title: str, *, steps: int, log: bool = False, theme: str = "light", height: int = 300
) -> dict[str, Any]:
    """Return a Vega-Lite description of one line for each optimiser over rows of `course_rows`.

    Args:
        names: Names of `core.maths.OPTIMIZERS`.
        title: What the numbers measure.
        steps: Where the horizontal axis ends.
        log: Whether the vertical axis is logarithmic; what is not positive is left out.
        theme: "light" or "dark".
        height: In pixels.
    """
    order = sorted(names, key=order_of)
    titles = [short_name(name) for name in order]
    scale: dict[str, Any] = {"type": "log", "nice": False} if log else {"zero": False}
    encoding = {
        "x": {
            "field": "step",
            "type": "quantitative",
            "title": "Step",
            "scale": {"domain": [0, steps], "nice": False, "padding": 6},
            "axis": {"tickMinStep": 1, "grid": False, "labelFlush": True},
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "axis": {"title": title} | (LOG_AXIS if log else {"tickCount": 5}),
            "scale": scale,
        },
        "color": _seats(titles, [hue(name, theme) for name in order]),
    }
    tooltip = [
        {"field": "optimizer", "type": "nominal", "title": "Optimiser"},
        {"field": "step", "type": "quantitative", "title": "Step"},
        {"field": "value", "type": "quantitative", "title": title, "format": ".5~g"},
    ]
    signs = {"shape": _seats(titles, [SHAPES[order_of(name)] for name in order]), "tooltip": tooltip}
    spaced = [{"filter": f"datum.step % {max(1, ceil(steps / 10))} === 0"}]
    return {
        "height": height,
        "transform": [{"filter": "datum.value > 0"}] if log else [],
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "clip": True}},
            {"transform": spaced, "mark": {"type": "point", "filled": True, "size": 55}, "encoding": signs},
        ],
        "config": {"axis": {"gridColor": THEMES[theme].line}, "view": {"stroke": None}},
    }


def _seats(titles: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    legend = {"title": None, "orient": "top", "columns": 3, "symbolOpacity": 1, "symbolSize": 80}
    scale = {"domain": list(titles), "range": list(values)}
    return {"field": "optimizer", "type": "nominal", "scale": scale, "legend": legend}
