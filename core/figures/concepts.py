"""What concepts have to do with a class, beside what chance gives, as a Vega-Lite description."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.explain.concepts import ConceptReport, mean_interval
from core.figures.curves import rounded
from core.figures.marks import Rows
from core.figures.palette import THEMES

_ROW, _REST = 30, 100  # screen pixels of a concept and its gap, and of the legend and the axis
KINDS = {"found": "Differs from chance", "chance": "May be chance"}


def concept_rows(report: ConceptReport, titles: Mapping[str, str]) -> Rows:
    """Return a row for each concept, in their order, with the 95 % interval of its mean score.

    Args:
        report: The scores.
        titles: What the concepts are called, by name.
    """
    return [
        {
            "place": place,
            "concept": titles[each.concept],
            "kind": KINDS["found" if each.significant else "chance"],
            "score": rounded(each.score),
            "low": rounded(each.interval[0]),
            "high": rounded(each.interval[1]),
            "p": rounded(each.p),
            "accuracy": rounded(each.accuracy),
        }
        for place, each in enumerate(report.concepts)
    ]


def concept_chart(report: ConceptReport, *, theme: str = "light") -> dict[str, Any]:
    """Return a chart of scores with intervals over rows of `concept_rows`, above those of random directions.

    Args:
        report: The scores.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    low, high = mean_interval(report.random)
    x = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "Pictures whose score rises towards the concept", "format": ".0%", "tickCount": 5},
    }
    plain = {key: value for key, value in x.items() if key != "field"}
    y = {
        "field": "concept",
        "type": "nominal",
        "sort": {"field": "place"},
        "axis": {
            "title": None,
            "labelFontSize": 13,
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
            "labelOverlap": False,
        },
    }
    order = {"domain": list(KINDS.values()), "range": [colours.mark, colours.muted]}
    legend = {"title": None, "orient": "top", "labelFontSize": 12, "labelLimit": 300}
    colour = {"field": "kind", "type": "nominal", "scale": order, "legend": legend}
    shape = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": list(KINDS.values()), "range": ["circle", "cross"]},
    }
    tooltip = [
        {"field": "concept", "type": "nominal", "title": "Concept"},
        {"field": "score", "type": "quantitative", "title": "Score", "format": ".0%"},
        {"field": "low", "type": "quantitative", "title": "From", "format": ".0%"},
        {"field": "high", "type": "quantitative", "title": "To", "format": ".0%"},
        {"field": "p", "type": "quantitative", "title": "p", "format": ".2~g"},
        {"field": "accuracy", "type": "quantitative", "title": "Told apart", "format": ".0%"},
    ]
    chance = {"values": [{"low": low, "high": high, "mean": float(np.mean(report.random))}]}
    return {
        "height": _ROW * len(report.concepts) + _REST,
        "layer": [
            {
                "data": chance,
                "mark": {"type": "rect", "color": colours.neutral, "opacity": 0.25},
                "encoding": {"x": plain | {"field": "low"}, "x2": {"field": "high"}},
            },
            {
                "data": chance,
                "mark": {"type": "rule", "color": colours.muted, "strokeDash": [4, 3]},
                "encoding": {"x": plain | {"field": "mean"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": colour, "shape": shape | {"legend": legend}, "tooltip": tooltip},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
