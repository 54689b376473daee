"""ROC and precision-recall curves, one line for each class, one class emphasised (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

from core.evaluation.ranking import Ranking
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES

CURVES = {"roc": "ROC", "precision_recall": "Precision and recall"}
_AXES = {
    "roc": ("False positive rate", "True positive rate (recall)"),
    "precision_recall": ("Recall", "Precision"),
}


def ranking_rows(rankings: Sequence[Ranking], names: Sequence[str], curve: str, chosen: int) -> Rows:
    """Return the points of the lines of all classes that have one; those of the chosen class come last, on top.

    Args:
        rankings: One for each class.
        names: Of the classes.
        curve: Key of `CURVES`.
        chosen: The class that is told apart.
    """
    order = [*(index for index in range(len(rankings)) if index != chosen), chosen]
    return [
        {
            "class": names[index],
            "kind": "chosen" if index == chosen else "other",
            "place": place,
            "x": rounded(x),
            "y": rounded(y),
        }
        for index in order
        for place, (x, y) in enumerate(zip(*getattr(rankings[index], curve), strict=True))
    ]


def ranking_chart(curve: str, *, base: float, theme: str = "light", height: int = 280) -> dict[str, Any]:
    """Return a chart over rows of `ranking_rows`.

    Args:
        curve: Key of `CURVES`.
        base: The share of the chosen class among the images, which is the precision of a guess.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours, (across, up) = THEMES[theme], _AXES[curve]
    axis = {"format": ".0%", "tickCount": 5, "labelFlush": True}
    x = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis | {"title": across, "grid": False}}
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis | {"title": up}}
    ends = ((0.0, 0.0), (1.0, 1.0)) if curve == "roc" else ((0.0, base), (1.0, base))
    line = {"type": "line", "clip": True, "interpolate": "linear" if curve == "roc" else "step-after"}
    shape = {
        "x": x | {"field": "x"},
        "y": y | {"field": "y"},
        "order": {"field": "place", "type": "quantitative"},
        "detail": {"field": "class", "type": "nominal"},
    }
    tooltip = [
        {"field": "class", "type": "nominal", "title": "Class"},
        {"field": "x", "type": "quantitative", "title": across, "format": ".1%"},
        {"field": "y", "type": "quantitative", "title": up, "format": ".1%"},
    ]
    return {
        "height": height,
        "layer": [
            {
                "data": {"values": [{"x": at, "y": value} for at, value in ends]},
                "mark": {"type": "line", "color": colours.muted, "strokeDash": [5, 4], "strokeWidth": 1.5},
                "encoding": {"x": x | {"field": "x"}, "y": y | {"field": "y"}},
            },
            {
                "transform": [{"filter": "datum.kind === 'other'"}],
                "mark": line | {"color": colours.neutral, "strokeWidth": 1},
                "encoding": shape,
            },
            {
                "transform": [{"filter": "datum.kind === 'chosen'"}],
                "mark": line | {"color": colours.mark, "strokeWidth": 2.5},
                "encoding": shape,
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0},
                "encoding": {"x": x | {"field": "x"}, "y": y | {"field": "y"}, "tooltip": tooltip},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
