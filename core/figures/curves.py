"""Learning curves as Vega-Lite descriptions: the one kind of chart that keeps its zoom while data arrives."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.figures.palette import THEMES
from core.runs.history import Point

TITLES = {"loss": "Loss (cross-entropy)", "accuracy": "Accuracy"}
SPLITS = {"train": "Training batches", "valid": "Validation images"}


def curve_rows(points: Mapping[str, Sequence[Point]], measure: str) -> list[dict[str, Any]]:
    """Return the rows of a chart of "loss" or "accuracy": one for each point of each split."""
    return [
        {"epoch": round(point.epochs, 4), "value": round(getattr(point, measure), 5), "split": SPLITS[split]}
        for split, split_points in points.items()
        for point in split_points
    ]


def curve_chart(measure: str, *, epochs: float, theme: str = "light", height: int = 340) -> dict[str, Any]:
    """Return a Vega-Lite description of learning curves over rows of `curve_rows`.

    Args:
        measure: "loss" or "accuracy".
        epochs: Where the training will end: the axis shows from the start how much is still to come.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours = THEMES[theme]
    y_axis: dict[str, Any] = {"title": TITLES[measure]}
    y_scale: dict[str, Any] = {"zero": measure == "loss"}
    if measure == "accuracy":
        y_axis["format"] = ".0%"
        y_scale = {"domain": [0, 1]}
    encoding = {
        "x": {
            "field": "epoch",
            "type": "quantitative",
            "title": "Epoch",
            "scale": {"domain": [0, epochs], "nice": False},
            "axis": {"tickMinStep": 1, "grid": False},
        },
        "y": {"field": "value", "type": "quantitative", "axis": y_axis, "scale": y_scale},
        "color": {
            "field": "split",
            "type": "nominal",
            "scale": {"domain": list(SPLITS.values()), "range": [colours.train, colours.valid]},
            "legend": {"title": None, "orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 3},
        },
        "tooltip": [
            {"field": "split", "type": "nominal", "title": "Measured on"},
            {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
            {"field": "value", "type": "quantitative", "title": TITLES[measure], "format": y_axis.get("format", ".4f")},
        ],
    }
    validation = {"filter": {"field": "split", "equal": SPLITS["valid"]}}
    return {
        "height": height,
        "encoding": encoding,
        "layer": [
            {
                "params": [{"name": "zoom", "select": {"type": "interval"}, "bind": "scales"}],
                "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear", "clip": True},
            },
            {"transform": [validation], "mark": {"type": "point", "filled": True, "size": 45, "clip": True}},
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
