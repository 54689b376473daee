"""Confusion matrix with clickable cells (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.confusion import row_shares
from core.figures.annotations import Rows
from core.figures.palette import THEMES

MEASURES = {"counts": "Counts", "shares": "Row shares"}
CELL_PX, LABEL_PX, SHORT_LABEL_PX = (
    34,
    110,
    55,
)  # screen pixels of a row, and of the names below, where they are slanted or not
SHORT_LABEL_CHARS = 3  # letters of names that have room beside each other
_MAX_WIDE_CLASSES = 12  # so many classes have room for two digits a cell


def confusion_rows(
    counts: NDArray[np.int64],
    names: Sequence[str],
    measure: str,
    chosen: tuple[int, int] | None,
    classes: Sequence[int],
    most: float,
) -> Rows:
    """Return a row for each cell of a confusion matrix.

    Its "shade" is what colours it: of mistakes, how many there are against the most, 0 to 1.

    Args:
        counts: int64 (K, K), true classes down, predicted ones across.
        names: Of the K classes.
        measure: Key of `MEASURES`.
        chosen: The cell to frame.
        classes: The classes that have a row and a column.
        most: What has the full colour, see `most_mistaken`.
    """
    shares, indices = np.nan_to_num(row_shares(counts)), list(classes)
    values = _measured(counts, measure)
    return [
        {
            "true": names[true],
            "predicted": names[predicted],
            "row": int(true),
            "column": int(predicted),
            "count": int(counts[true, predicted]),
            "share": round(float(shares[true, predicted]), 4),
            "shade": 0.0 if true == predicted or not most else round(float(values[true, predicted]) / most, 4),
            "label": _label(int(counts[true, predicted]), float(shares[true, predicted]), measure),
            "right": bool(true == predicted),
            "chosen": (true, predicted) == chosen,
        }
        for true in indices
        for predicted in indices
    ]


def most_mistaken(counts: NDArray[np.int64], measure: str) -> float:
    """Return the largest value off the diagonal, in images or as a share of its row; 0 without mistakes.

    Args:
        counts: int64 (K, K), true classes down, predicted ones across.
        measure: Key of `MEASURES`.
    """
    return float((_measured(counts, measure) * ~np.eye(len(counts), dtype=bool)).max(initial=0))


def _measured(counts: NDArray[np.int64], measure: str) -> NDArray[Any]:
    return np.nan_to_num(row_shares(counts)) if measure == "shares" else counts


def _label(count: int, share: float, measure: str) -> str:
    if not count:
        return ""
    if measure == "counts":
        return f"{count}"
    return "< 1%" if share < 0.005 else f"{share:.0%}"


def confusion_chart(names: Sequence[str], *, theme: str = "light") -> dict[str, Any]:
    """Return a chart over rows of `confusion_rows`; a click on a cell selects its "row" and "column" as "cell".

    Args:
        names: The classes that are shown, in order.
        theme: "light" or "dark".
    """
    colours, brief = THEMES[theme], max(map(len, names), default=0) <= SHORT_LABEL_CHARS
    axis = {"domain": False, "ticks": False, "labelLimit": LABEL_PX - 10, "labelFontSize": 12, "labelOverlap": False}
    place = {"type": "nominal", "sort": list(names)}
    shape = {
        "y": place | {"field": "true", "axis": axis | {"title": "True class"}},
        "x": place
        | {"field": "predicted", "axis": axis | {"title": "Predicted class", "labelAngle": 0 if brief else -45}},
    }
    tooltip = [
        {"field": "true", "type": "nominal", "title": "True class"},
        {"field": "predicted", "type": "nominal", "title": "Predicted"},
        {"field": "count", "type": "quantitative", "title": "Images", "format": ","},
        {"field": "share", "type": "quantitative", "title": "Share of the true class", "format": ".1%"},
    ]
    fill = {
        "field": "shade",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [colours.surface, colours.mark], "interpolate": "lab"},
        "legend": None,
    }
    frame = {
        "stroke": {
            "condition": [
                {"test": "datum.chosen", "value": colours.valid},
                {"test": "datum.right", "value": colours.neutral},
            ],
            "value": colours.surface,
        },
        "strokeWidth": {"condition": {"test": "datum.chosen", "value": 3}, "value": 1},
    }
    ink = {"condition": {"test": "datum.shade > 0.55", "value": colours.background}, "value": colours.text}
    return {
        "height": len(names) * CELL_PX + (SHORT_LABEL_PX if brief else LABEL_PX),
        "encoding": shape,
        "layer": [
            {
                "params": [{"name": "cell", "select": {"type": "point", "fields": ["row", "column"], "toggle": False}}],
                "mark": {"type": "rect", "cornerRadius": 3, "cursor": "pointer"},
                "encoding": {"color": fill, "tooltip": tooltip, **frame},
            },
            {
                "mark": {"type": "text", "fontSize": 13 if len(names) <= _MAX_WIDE_CLASSES else 10, "tooltip": False},
                "encoding": {"text": {"field": "label", "type": "nominal"}, "color": ink},
            },
        ],
        "config": {
            "axis": {"grid": False, "labelColor": colours.text, "titleColor": colours.muted},
            "view": {"stroke": None},
            "scale": {"bandPaddingInner": 0.08},
        },
    }
