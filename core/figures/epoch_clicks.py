"""Curves over epochs whose epochs can be clicked: a band for each one, and a line at the one that is looked at."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from core.figures.annotations import Rows
from core.figures.palette import THEMES

PICKED = "picked"  # the selection that holds the clicked "epoch"


def band_rows(epochs: Sequence[int], shown: float) -> Rows:
    """Return a row for each epoch that can be clicked: it reaches halfway to its neighbours.

    Args:
        epochs: In order.
        shown: The one that is looked at. It is part of what a click selects: else one that is clicked, left by other
            means and clicked again would be no news.
    """
    middles = [(one + two) / 2 for one, two in pairwise(epochs)]
    edges = [epochs[0] - 0.5, *middles, epochs[-1] + 0.5] if epochs else []
    return [
        {
            "epoch": float(epoch),
            "from": low,
            "to": high,
            "shown": shown,
            "words": f"epoch {epoch}" if epoch else "untrained",
        }
        for epoch, low, high in zip(epochs, edges, edges[1:], strict=False)
    ]


def with_epoch_clicks(chart: Mapping[str, Any], theme: str) -> dict[str, Any]:
    """Return curves of `core.figures.curves.curve_chart` whose epochs can be clicked, anywhere in their band.

    Its further data sets are "kept" (`band_rows`) and "now", the "epoch" that is looked at. What can be zoomed moves to
    the layer of the tooltips: a layer with a selection of its own would take the clicks.
    """
    x = chart["encoding"]["x"]
    tooltip = [{"field": "words", "type": "nominal", "title": "Click to look at"}]
    bands = {
        "data": {"name": "kept"},
        "params": [{"name": PICKED, "select": {"type": "point", "fields": ["epoch", "shown"], "toggle": False}}],
        "mark": {"type": "rect", "opacity": 0, "cursor": "pointer", "clip": True},
        "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "tooltip": tooltip},
    }
    now = {
        "data": {"name": "now"},
        "mark": {"type": "rule", "color": THEMES[theme].mark, "strokeWidth": 2, "opacity": 0.7, "clip": True},
    }
    zoom = [param for layer in chart["layer"] for param in layer.get("params", ())]
    layers = [{key: value for key, value in layer.items() if key != "params"} for layer in chart["layer"]]
    dots = max(place for place, layer in enumerate(layers) if "data" not in layer and "tooltip" in layer["encoding"])
    layers[dots] = {**layers[dots], "params": zoom}
    return {**chart, "layer": [bands, now, *layers]}
