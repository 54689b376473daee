"""Deletion and insertion curves against those of random orders (Vega-Lite)."""

from typing import Any

from core.explain.metrics.deletion_insertion import RandomCurves, RemovalCurve
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES

AXES = {"deletion": "Pixels removed, most important first", "insertion": "Pixels shown, most important first"}
_TOOLTIP = [
    {"field": "share", "type": "quantitative", "title": "Pixels", "format": ".0%"},
    {"field": "value", "type": "quantitative", "title": "Probability", "format": ".1%"},
]


def removal_rows(curve: RemovalCurve) -> Rows:
    """Return the rows of the line of one map."""
    points = zip(curve.shares.tolist(), curve.probabilities.tolist(), strict=True)
    return [{"share": rounded(share), "value": rounded(value)} for share, value in points]


def chance_rows(chance: RandomCurves) -> Rows:
    """Return the rows of the band of random orders: mean ± one standard deviation."""
    spread = chance.spread.clip(min=0)
    low, high = ((chance.mean.probabilities + sign * spread).clip(0, 1) for sign in (-1, 1))
    places = zip(chance.shares.tolist(), chance.mean.probabilities.tolist(), low.tolist(), high.tolist(), strict=True)
    return [
        {"share": rounded(share), "value": rounded(mean), "low": rounded(least), "high": rounded(most)}
        for share, mean, least, most in places
    ]


def removal_chart(mode: str, *, theme: str = "light", height: int = 220) -> dict[str, Any]:
    """Return a chart over rows of `removal_rows`.

    Its further data sets are "chance" (`chance_rows`), drawn as a band, "noise" (`removal_rows` of random pixels), a
    dotted line, and "now": one row like those of the line, at the share that somebody looks at.

    Args:
        mode: "deletion" or "insertion", for the axis title.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours = THEMES[theme]
    percent = {"format": ".0%", "tickCount": 5}
    x = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": percent | {"title": AXES[mode], "grid": False, "labelFlush": True},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": percent | {"title": "Probability of the class"},
    }
    low_to_high = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    dot = {"type": "point", "filled": True, "clip": True}
    return {
        "height": height,
        "encoding": {"x": x},
        "layer": [
            {
                "data": {"name": "chance"},
                "mark": {"type": "area", "color": colours.muted, "opacity": 0.22, "clip": True},
                "encoding": low_to_high,
            },
            {"mark": {"type": "area", "color": colours.mark, "opacity": 0.1, "clip": True}, "encoding": {"y": y}},
            {
                "data": {"name": "chance"},
                "mark": {"type": "line", "color": colours.muted, "strokeWidth": 2, "strokeDash": [5, 4], "clip": True},
                "encoding": {"y": y},
            },
            {
                "data": {"name": "noise"},
                "mark": {"type": "line", "color": colours.test, "strokeWidth": 2, "strokeDash": [1, 3], "clip": True},
                "encoding": {"y": y},
            },
            {"mark": {"type": "line", "color": colours.mark, "strokeWidth": 2.5, "clip": True}, "encoding": {"y": y}},
            {"mark": dot | {"size": 90, "opacity": 0}, "encoding": {"y": y, "tooltip": _TOOLTIP}},
            {"data": {"name": "now"}, "mark": {"type": "rule", "color": colours.text, "strokeDash": [2, 3]}},
            {
                "data": {"name": "now"},
                "mark": dot | {"size": 90, "opacity": 1, "color": colours.mark, "stroke": colours.background},
                "encoding": {"y": y, "tooltip": _TOOLTIP},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
