"""Reliability diagram: accuracy against confidence, and a histogram of confidences (Vega-Lite)."""

from typing import Any

from core.evaluation.calibration import BINS, Reliability
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES

_IDEAL = [{"at": 0.0, "ideal": 0.0}, {"at": 1.0, "ideal": 1.0}]


def reliability_rows(diagram: Reliability) -> Rows:
    """Return a row for each bin that holds images."""
    return [
        {
            "low": rounded(each.low),
            "high": rounded(each.high),
            "confidence": rounded(each.confidence),
            "accuracy": rounded(each.accuracy.value),
            "least": rounded(each.accuracy.low),
            "most": rounded(each.accuracy.high),
            "images": each.images,
        }
        for each in diagram.bins
    ]


def _confidence(title: str | None) -> dict[str, Any]:
    axis = {"title": title, "format": ".0%", "values": [place / 10 for place in range(0, 11, 2)], "grid": False}
    return {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis | {"labelFlush": True}}


def _tooltip() -> list[dict[str, Any]]:
    percent = {"type": "quantitative", "format": ".1%"}
    return [
        {"field": "confidence", "title": "Mean confidence", **percent},
        {"field": "accuracy", "title": "Right", **percent},
        {"field": "least", "title": "95% interval from", **percent},
        {"field": "most", "title": "to", **percent},
        {"field": "images", "type": "quantitative", "title": "Images", "format": ","},
    ]


def reliability_chart(*, theme: str = "light", height: int = 260) -> dict[str, Any]:
    """Return a chart over rows of `reliability_rows`: accuracy against confidence, and the line where both agree.

    Bars are the accuracy of a bin; what lies between the top of a bar and the dot is the gap to its mean confidence.
    """
    colours, x = THEMES[theme], _confidence("Confidence of the answer")
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"title": "Share that is right", "format": ".0%"}}
    spans = {"x": x | {"field": "low", "bin": "binned"}, "x2": {"field": "high"}}
    middle = x | {"field": "confidence"}
    return {
        "height": height,
        "layer": [
            {
                "mark": {"type": "bar", "color": colours.mark, "opacity": 0.35, "binSpacing": 2},
                "encoding": {**spans, "y": y | {"field": "accuracy"}, "tooltip": _tooltip()},
            },
            {
                "data": {"values": _IDEAL},
                "mark": {"type": "line", "color": colours.muted, "strokeDash": [5, 4], "strokeWidth": 1.5},
                "encoding": {"x": x | {"field": "at"}, "y": y | {"field": "ideal"}},
            },
            {
                "mark": {"type": "rule", "color": colours.mark, "strokeWidth": 2},
                "encoding": {"x": middle, "y": y | {"field": "least"}, "y2": {"field": "most"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "color": colours.mark},
                "encoding": {"x": middle, "y": y | {"field": "accuracy"}, "tooltip": _tooltip()},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def confidence_chart(*, theme: str = "light", height: int = 110) -> dict[str, Any]:
    """Return a chart over rows of `reliability_rows`: how many images each of the `BINS` bins holds."""
    colours = THEMES[theme]
    x = _confidence("Confidence of the answer")
    y = {"field": "images", "type": "quantitative", "axis": {"title": "Images", "tickCount": 3, "format": "~s"}}
    return {
        "height": height,
        "mark": {"type": "bar", "color": colours.neutral, "binSpacing": 2},
        "encoding": {
            "x": x | {"field": "low", "bin": {"binned": True, "step": 1 / BINS}},
            "x2": {"field": "high"},
            "y": y,
            "tooltip": _tooltip(),
        },
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
