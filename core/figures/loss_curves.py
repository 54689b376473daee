"""Losses compared: the gradient at every logit as bars, and value and gradient against the true class's probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.figures.annotations import Rows
from core.figures.curves import LEGEND, LOG_AXIS
from core.figures.palette import HUES, THEMES, diverging, hex_of
from core.formatting import number
from core.maths.losses import LOSSES, LossCurve

MEASURES = {"value": "Loss", "gradient": "|dL/dz| at the true logit"}
_DASHES = ([1, 0], [7, 6], [1, 0])  # cross-entropy and NLL are one line: both can be seen
_ROW_PX = 26  # screen pixels of a bar and its gap
_MAX_CHARS = 22


def gradient_rows(labels: Sequence[str], gradients: ArrayLike, *, true: int | None = None) -> Rows:
    """Return one row for each logit, in their order.

    Args:
        labels: What each logit is called; shown as it stands, cut where it is long.
        gradients: dL/d logit, (K,).
        true: The place of the true class.
    """
    values = np.asarray(gradients, dtype=np.float64)
    if values.shape != (len(labels),):
        raise ValueError(f"{len(labels)} labels do not fit gradients of shape {values.shape}")
    return [
        {
            "place": place,
            "label": (label if len(label) <= _MAX_CHARS else label[: _MAX_CHARS - 1] + "…") + " ✓" * (place == true),
            "value": value,
            "text": number(value),
        }
        for place, (label, value) in enumerate(zip(labels, values.tolist(), strict=True))
    ]


def gradient_chart(count: int, reach: float, *, theme: str = "light") -> dict[str, Any]:
    """Return a Vega-Lite description of bars to both sides of zero over rows of `gradient_rows`.

    Args:
        count: How many bars.
        reach: The value whose bar fills its side; charts that share it can be compared by eye.
        theme: "light" or "dark".
    """
    colours, limit = THEMES[theme], 1.5 * (reach or 1.0)  # room for the numbers at the ends of the bars
    below, above = (hex_of(diverging()[place]) for place in ((40, 215) if theme == "light" else (64, 192)))
    x = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [-limit, limit], "nice": False},
        "axis": {"labels": False, "ticks": False, "domain": False, "grid": False, "title": None},
    }
    labels = {"labelLimit": 150, "labelFontSize": 12, "domain": False, "ticks": False, "labelPadding": 6}
    y = {"field": "label", "type": "nominal", "sort": {"field": "place"}, "title": None, "axis": labels}
    zero = {"datum": 0} | {key: value for key, value in x.items() if key != "field"}
    sign = {"condition": {"test": "datum.value < 0", "value": below}, "value": above}
    text = {
        "type": "text",
        "baseline": "middle",
        "fontSize": 11,
        "align": {"expr": "datum.value < 0 ? 'right' : 'left'"},
        "dx": {"expr": "datum.value < 0 ? -4 : 4"},
        "color": colours.text,
    }
    tooltip = [
        {"field": "label", "type": "nominal", "title": "Class"},
        {"field": "value", "type": "quantitative", "title": "dL/dz", "format": ".5g"},
    ]
    return {
        "height": _ROW_PX * count,
        "layer": [
            {"mark": {"type": "bar", "clip": True}, "encoding": {"x": x, "y": y, "color": sign, "tooltip": tooltip}},
            {"mark": {"type": "rule", "color": colours.muted}, "encoding": {"x": zero}},
            {"mark": text, "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}}},
        ],
        "config": {"view": {"stroke": None}},
    }


def slide_rows(slides: Mapping[str, LossCurve], measure: str) -> Rows:
    """Return the points of one line for each loss.

    Args:
        slides: By the names of `core.maths.LOSSES`.
        measure: Key of `MEASURES`.
    """
    rows: Rows = []
    for name, slide in slides.items():
        values = slide.values if measure == "value" else slide.gradients
        points = zip(slide.probabilities.tolist(), values.tolist(), strict=True)
        rows += [{"loss": LOSSES[name].title, "p": p, "value": value} for p, value in points]
    return rows


def slide_chart(measure: str, *, log: bool = False, theme: str = "light", height: int = 320) -> dict[str, Any]:
    """Return a Vega-Lite description of losses along the probability of the true class.

    It draws rows of `slide_rows`. Of its further data sets, "present" has the same columns, one row for each loss, at
    the probability that the picture has now, and "now" has that probability as "p", once.

    Args:
        measure: Key of `MEASURES`.
        log: Whether both axes are logarithmic; what is not positive is left out.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours, titles = THEMES[theme], [LOSSES[name].title for name in LOSSES]
    scale: dict[str, Any] = {"type": "log", "nice": False} if log else {"zero": True, "nice": False}
    x = {
        "field": "p",
        "type": "quantitative",
        "title": "Probability of the true class",
        "scale": scale if log else {"domain": [0, 1]},
        "axis": {"grid": False, "labelFlush": True} | ({"tickCount": 5, "format": "~g"} if log else {"format": ".0%"}),
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "axis": {"title": MEASURES[measure]} | (LOG_AXIS if log else {"tickCount": 5}),
        "scale": scale,
    }
    order = {"domain": titles, "range": list(HUES[theme][: len(titles)])}
    colour = {"field": "loss", "type": "nominal", "scale": order, "legend": LEGEND | {"columns": 1}}
    dash = {"field": "loss", "type": "nominal", "scale": {"domain": titles, "range": list(_DASHES)}, "legend": None}
    tooltip = [
        {"field": "loss", "type": "nominal", "title": "Loss"},
        {"field": "p", "type": "quantitative", "title": "Probability", "format": ".4~g"},
        {"field": "value", "type": "quantitative", "title": MEASURES[measure], "format": ".4~g"},
    ]
    positive = [{"filter": "datum.p > 0 && datum.value > 0"}] if log else []
    lines, present = {"transform": positive}, {"data": {"name": "present"}, "transform": positive}
    dot = {"type": "point", "filled": True, "clip": True}
    ring = {"size": 110, "opacity": 1, "stroke": colours.background, "strokeWidth": 1.5}
    return {
        "height": height,
        "layer": [
            {
                "data": {"name": "now"},
                "mark": {"type": "rule", "color": colours.muted, "strokeDash": [4, 3]},
                "encoding": {"x": x},
            },
            lines
            | {
                "mark": {"type": "line", "strokeWidth": 2.5, "clip": True},
                "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash},
            },
            lines | {"mark": dot | {"size": 90, "opacity": 0}, "encoding": {"x": x, "y": y, "tooltip": tooltip}},
            present | {"mark": dot | ring, "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip}},
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
