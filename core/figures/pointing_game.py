"""Pointing game: each method's hit rate with its 95% interval, best first (Vega-Lite)."""

from collections.abc import Mapping
from typing import Any

from core.explain.metrics.pointing_game import CENTRE, RANDOM, PointingGame, PointingResult, Rate
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES

MEASURES = {"hits": "Pointing game: hits", "inside": "Share on the object"}
BASELINES = {RANDOM: "Random map", CENTRE: "Centre of the picture"}
_ROW_PX = 30  # screen pixels of a method and its gap


def pointing_rows(league: PointingGame, measure: str, titles: Mapping[str, str]) -> Rows:
    """Return a row for each method, best first, then for the two baselines (random map, centre of the picture).

    Args:
        league: The standings.
        measure: Key of `MEASURES`.
        titles: What the methods are called, by name.
    """
    everyone = (*league.standings, league.random, league.centre)
    names = {**titles, **BASELINES}
    rates = [(each, _rate(each, measure)) for each in everyone]
    return [
        {
            "place": place,
            "method": names[each.method],
            "kind": "ignorant" if each.method in BASELINES else "method",
            "value": rounded(rate.value),
            "low": rounded(rate.low),
            "high": rounded(rate.high),
        }
        for place, (each, rate) in enumerate(rates)
        if rate is not None
    ]


def _rate(standing: PointingResult, measure: str) -> Rate | None:
    return standing.hits if measure == "hits" else standing.inside


def pointing_chart(measure: str, count: int, *, theme: str = "light") -> dict[str, Any]:
    """Return a chart of shares with their 95% intervals over rows of `pointing_rows`.

    Args:
        measure: Key of `MEASURES`.
        count: How many rows.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    x = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": MEASURES[measure], "format": ".0%", "tickCount": 5, "labelFlush": True},
    }
    y = {
        "field": "method",
        "type": "nominal",
        "sort": {"field": "place"},
        "axis": {
            "title": None,
            "labelLimit": 170,
            "labelFontSize": 12,
            "labelOverlap": False,
            "domain": False,
            "ticks": False,
        },
    }
    hue = {"condition": {"test": "datum.kind === 'ignorant'", "value": colours.muted}, "value": colours.mark}
    tooltip = [
        {"field": "method", "type": "nominal", "title": "Map"},
        {"field": "value", "type": "quantitative", "title": "Share", "format": ".1%"},
        {"field": "low", "type": "quantitative", "title": "From", "format": ".1%"},
        {"field": "high", "type": "quantitative", "title": "To", "format": ".1%"},
    ]
    return {
        "height": _ROW_PX * count + 50,  # and the axis
        "encoding": {"y": y, "color": hue, "tooltip": tooltip},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}},
            },
            {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}, "encoding": {"x": x}},
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
