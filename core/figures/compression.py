"""Effects of compression: accuracy of each class before and after, accuracy against the share pruned (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

from core.compression.changes import PredictionChanges
from core.explain.metrics.pointing_game import Rate
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES

STAGES = {"before": "Original", "after": "Compressed"}
_ROW_PX = 26  # screen pixels of a class


def class_rows(change: PredictionChanges, names: Sequence[str]) -> Rows:
    """Return a row for each class that has images, by how much accuracy it lost, the largest loss first.

    Args:
        change: The answers of both networks.
        names: Of the classes; shown as they stand.
    """
    classes = [
        (name, count, before, after)
        for name, (count, before, after) in zip(names, change.classes(len(names)), strict=True)
        if count
    ]
    classes.sort(key=lambda row: row[3] - row[2])
    return [
        {
            "place": place,
            "class": name,
            "images": count,
            "before": rounded(before),
            "after": rounded(after),
            "moved": rounded(after - before),
        }
        for place, (name, count, before, after) in enumerate(classes)
    ]


def class_chart(count: int, *, theme: str = "light") -> dict[str, Any]:
    """Return a chart of rows of `class_rows`: a hollow point before, a filled one after, and a line between them.

    Args:
        count: How many rows.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    x = {
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "Images of the class that are right", "format": ".0%", "tickCount": 5, "labelFlush": True},
    }
    y = {
        "field": "class",
        "type": "nominal",
        "sort": {"field": "place"},
        "axis": {"title": None, "labelLimit": 150, "labelFontSize": 12, "domain": False, "ticks": False}
        | {"labelOverlap": False},
    }
    tooltip = [
        {"field": "class", "type": "nominal", "title": "Class"},
        {"field": "images", "type": "quantitative", "title": "Images"},
        *({"field": key, "type": "quantitative", "title": words, "format": ".1%"} for key, words in STAGES.items()),
        {"field": "moved", "type": "quantitative", "title": "Change", "format": "+.1%"},
    ]
    point = {"type": "point", "size": 90, "opacity": 1}
    scale = {"domain": list(STAGES.values()), "range": [colours.muted, colours.mark]}
    legend = {"title": None, "orient": "top", "labelFontSize": 12}

    def named(key: str) -> dict[str, Any]:
        return {"datum": STAGES[key], "type": "nominal", "scale": scale, "legend": legend}

    return {
        "height": _ROW_PX * count + 60,
        "encoding": {"y": y, "tooltip": tooltip},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": colours.neutral},
                "encoding": {"x": x | {"field": "before"}, "x2": {"field": "after"}},
            },
            {
                "mark": point | {"filled": False, "strokeWidth": 2},
                "encoding": {"x": x | {"field": "before"}, "color": named("before")},
            },
            {"mark": point | {"filled": True}, "encoding": {"x": x | {"field": "after"}, "color": named("after")}},
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def sweep_rows(amounts: Sequence[float], rates: Sequence[Rate]) -> Rows:
    """Return a row for each share that was pruned."""
    return [
        {"share": rounded(share), "value": rounded(rate.value), "low": rounded(rate.low), "high": rounded(rate.high)}
        for share, rate in zip(amounts, rates, strict=True)
    ]


def sweep_chart(chance: float, *, theme: str = "light", height: int = 240) -> dict[str, Any]:
    """Return a chart over rows of `sweep_rows`; its data set "now" holds one row like them, of the share chosen.

    Args:
        chance: The accuracy of guessing, 0 to 1.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours = THEMES[theme]
    x = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "Share pruned", "format": ".0%", "tickCount": 5, "grid": False, "labelFlush": True},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "Accuracy", "format": ".0%", "tickCount": 5},
    }
    tooltip = [
        {"field": "share", "type": "quantitative", "title": "Pruned", "format": ".0%"},
        {"field": "value", "type": "quantitative", "title": "Accuracy", "format": ".1%"},
        {"field": "low", "type": "quantitative", "title": "From", "format": ".1%"},
        {"field": "high", "type": "quantitative", "title": "To", "format": ".1%"},
    ]
    guess = {"values": [{"value": chance, "words": "guessing"}]}
    return {
        "height": height,
        "layer": [
            {
                "mark": {"type": "area", "color": colours.mark, "opacity": 0.15},
                "encoding": {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}},
            },
            {"mark": {"type": "line", "color": colours.mark, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
            {
                "mark": {"type": "point", "filled": True, "size": 60, "color": colours.mark, "opacity": 1},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": guess,
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": colours.muted},
                "encoding": {"y": y},
            },
            {
                "data": guess,
                "mark": {"type": "text", "align": "left", "dx": 4, "dy": -7, "color": colours.muted, "fontSize": 11.5},
                "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "words"}},
            },
            {
                "data": {"name": "now"},
                "mark": {"type": "point", "filled": False, "size": 220, "strokeWidth": 2, "color": colours.text},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
