"""Probabilities of two classes against the strength of an attack (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

from core.explain.attacks import AttackOutcome
from core.figures.annotations import Rows
from core.figures.curves import LEGEND, rounded
from core.figures.palette import THEMES

_MAX_CHARS = 28


def flip_rows(tried: Sequence[AttackOutcome], class_names: Sequence[str]) -> Rows:
    """Return the probability of two classes at each strength: of the answer, and of the one the last attack led to.

    Args:
        tried: Attacks of growing strength on one picture, at least one.
        class_names: Names of the classes; shown as they stand.
    """
    first, last = tried[0], tried[-1]
    answer = int(first.before.argmax())
    ranked = last.after.argsort(descending=True).tolist()
    other = last.attack.towards if last.attack.towards is not None else next(at for at in ranked if at != answer)
    strengths = [(0, first.before), *((each.attack.strength, each.after) for each in tried)]
    return [
        {
            "strength": strength,
            "place": place,
            "class": _short(class_names[index]),
            "probability": rounded(float(probabilities[index])),
        }
        for index in (answer, other)
        for place, (strength, probabilities) in enumerate(strengths)
    ]


def flip_chart(rows: Rows, *, theme: str = "light", height: int = 300) -> dict[str, Any]:
    """Return a chart of rows of `flip_rows`: a line for each of the two classes.

    Args:
        rows: The rows; the classes take their colours in this order.
        theme: "light" or "dark".
        height: In pixels, with legend and axis.
    """
    colours = THEMES[theme]
    classes = list(dict.fromkeys(str(row["class"]) for row in rows))
    axis = {"title": "Strength, in levels of 255", "labelAngle": 0, "grid": False}
    x = {"field": "strength", "type": "ordinal", "axis": axis}
    y = {
        "field": "probability",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "Probability", "format": ".0%", "tickCount": 5},
    }
    order = {"domain": classes, "range": [colours.train, colours.valid]}
    colour = {"field": "class", "type": "nominal", "scale": order, "legend": LEGEND | {"columns": 2}}
    tooltip = [
        {"field": "strength", "type": "quantitative", "title": "Strength"},
        {"field": "class", "type": "nominal", "title": "Class"},
        {"field": "probability", "type": "quantitative", "title": "Probability", "format": ".1%"},
    ]
    shape = {"field": "class", "type": "nominal", "scale": {"domain": classes, "range": ["circle", "square"]}}
    return {
        "height": height,
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}},
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"shape": shape | {"legend": None}},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def _short(name: str) -> str:
    return name if len(name) <= _MAX_CHARS else name[: _MAX_CHARS - 1] + "…"
