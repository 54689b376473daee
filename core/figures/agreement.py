"""Pairwise agreement between explanation methods as a matrix with numbers (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.figures.annotations import Rows
from core.figures.palette import THEMES, hex_of, luminance
from core.figures.scales import ColorScale
from core.formatting import formatted

CELL_PX, LABEL_PX = 34, 100  # pixels of a row, and of the names below
NO_MORE_THAN_CHANCE = "*"
BLACK, WHITE = "#000000", "#ffffff"  # numbers on cells


def matrix_rows(names: Sequence[str], values: ArrayLike, chance: ArrayLike, scale: ColorScale) -> Rows:
    """Return a row for each cell below the diagonal of a symmetric matrix.

    Args:
        names: What is compared, M.
        values: (M, M); what is not a number has no cell.
        chance: What chance gives for each pair, (M, M); a value that is not above it is starred.
        scale: The colours.
    """
    array, limits = np.asarray(values, dtype=np.float64), np.asarray(chance, dtype=np.float64)
    inks = np.where(luminance(scale.rgb(np.nan_to_num(array))) > 0.179, BLACK, WHITE)
    return [
        {
            "row": names[row],
            "column": names[column],
            "value": round(float(array[row, column]), 4),
            "chance": round(float(limits[row, column]), 4),
            "label": _label(float(array[row, column]), starred=bool(array[row, column] <= limits[row, column])),
            "ink": str(inks[row, column]),
        }
        for row in range(len(names))
        for column in range(row)
        if np.isfinite(array[row, column])
    ]


def _label(value: float, *, starred: bool) -> str:
    return formatted(value, ".2f") + NO_MORE_THAN_CHANCE * starred


def matrix_chart(names: Sequence[str], title: str, scale: ColorScale, *, theme: str = "light") -> dict[str, Any]:
    """Return a chart over the rows of `matrix_rows`; a cell's tooltip names both methods, the value and that of chance.

    Args:
        names: What is compared, in order.
        title: What the numbers are.
        scale: The colours: diverging for what has a sign, sequential else.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    first = 1 if scale.kind == "diverging" else 0
    stops = [hex_of(scale.colors[round(place)]) for place in np.linspace(first, 255, 11)]
    axis = {"title": None, "domain": False, "ticks": False, "labelLimit": 130, "labelFontSize": 12}
    shape = {
        "y": {"field": "row", "type": "nominal", "sort": list(names[1:]), "axis": axis},
        "x": {
            "field": "column",
            "type": "nominal",
            "sort": list(names[:-1]),
            "axis": axis | {"labelAngle": -45, "labelOverlap": False},
        },
    }
    tooltip = [
        {"field": "row", "type": "nominal", "title": "This"},
        {"field": "column", "type": "nominal", "title": "and"},
        {"field": "value", "type": "quantitative", "title": title, "format": ".3f"},
        {"field": "chance", "type": "quantitative", "title": "By chance, up to", "format": ".3f"},
    ]
    color = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [scale.low, scale.high], "range": stops, "interpolate": "rgb", "clamp": True},
        "legend": None,
    }
    return {
        "height": (len(names) - 1) * CELL_PX + LABEL_PX,
        "encoding": shape,
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3, "tooltip": True},
                "encoding": {"color": color, "tooltip": tooltip},
            },
            {
                "mark": {"type": "text", "fontSize": 13, "tooltip": False},
                "encoding": {
                    "text": {"field": "label", "type": "nominal"},
                    "color": {"condition": {"test": f"datum.ink === '{WHITE}'", "value": WHITE}, "value": BLACK},
                },
            },
        ],
        "config": {
            "axis": {"grid": False, "labelColor": colours.text},
            "view": {"stroke": None},
            "scale": {"bandPaddingInner": 0.06},
        },
    }
