"""Measurements of each layer during training (norms, update ratios, dead units, learning rate) as lines (Vega-Lite)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.figures.annotations import Rows, mark_label_layers, mark_layers
from core.figures.curves import LOG_AXIS, epoch_axis, rounded
from core.figures.palette import THEMES, hex_of, sequential
from core.runs.history import Point
from core.runs.records import Evidence

MAX_ROWS = 2400  # of a chart of lines: more moments than this allows are thinned
ALL_LAYERS = "all"  # in place of a layer: the whole network
NETWORK_LABEL = "whole network"
_SCALE_ENDS = {"light": (20, 190), "dark": (90, 250)}  # colours of the scale that stand out from the page


def layer_colours(layers: Sequence[str], theme: str = "light") -> list[str]:
    """Return a colour for each layer, in the order of depth: from dark to light along the scale for amounts."""
    places = np.linspace(*_SCALE_ENDS[theme], max(2, len(layers)))[: len(layers)]
    return [hex_of(sequential()[round(place)]) for place in places]


def layer_key(layers: Sequence[str], theme: str = "light") -> dict[str, str]:
    """Return the legend of `layer_chart`: each line's name and colour; grey is the whole network."""
    deep = [layer for layer in layers if layer != ALL_LAYERS]
    key = dict(zip(deep, layer_colours(deep, theme), strict=True))
    return key | {NETWORK_LABEL: THEMES[theme].muted} if ALL_LAYERS in layers else key


def layer_rows(evidence: Sequence[Evidence], layers: Sequence[str], steps_per_epoch: int) -> Rows:
    """Return the rows of a chart of one value of each layer over time.

    Args:
        evidence: Of one kind, by step.
        layers: Those to draw; `ALL_LAYERS` stands for the whole network.
        steps_per_epoch: Updates of one epoch.
    """
    chosen = [moment for moment in evidence if moment.layer in layers]
    steps = sorted({moment.step for moment in chosen})
    drawn_steps = set(thinned(steps, max(2, MAX_ROWS // max(1, len(layers)))))
    scale = max(1, steps_per_epoch)
    return [
        {
            "epoch": rounded(moment.step / scale),
            "value": rounded(moment.value),
            "layer": NETWORK_LABEL if moment.layer == ALL_LAYERS else moment.layer,
        }
        for moment in chosen
        if moment.step in drawn_steps
    ]


def thinned(steps: Sequence[int], most: int) -> list[int]:
    """Return at most `most` of the steps, evenly, with the first and the last."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(place)] for place in np.linspace(0, len(steps) - 1, most)]


def layer_chart(
    title: str,
    layers: Sequence[str],
    *,
    epochs: float,
    log: bool = False,
    share: bool = False,
    theme: str = "light",
    height: int = 300,
) -> dict[str, Any]:
    """Return a chart of one line for each layer over rows of `layer_rows`, and the data set "marks".

    The legend is to stand beside it (`layer_key`): one in the chart would be cut off where many layers meet a
    narrow screen.

    Args:
        title: Of the vertical axis.
        layers: Names in the order of depth; `ALL_LAYERS`, if there, becomes a dashed grey line.
        epochs: Where the axis ends.
        log: Whether the vertical axis is logarithmic: zeros are then left out.
        share: Whether the values are shares, 0 to 1.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours = THEMES[theme]
    encoding = _encoding(title, layer_key(layers, theme), log=log, share=share)
    tooltip = [
        {"field": "layer", "type": "nominal", "title": "Layer"},
        {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
        {"field": "value", "type": "quantitative", "title": title, "format": ".1%" if share else ".3g"},
    ]
    positive = [{"filter": "datum.value > 0"}] if log else []
    dots = {"type": "point", "filled": True, "size": 80, "opacity": 0, "clip": True}
    return {
        "height": height,
        "encoding": {"x": epoch_axis(epochs)},
        "layer": [
            *mark_layers(colours),
            {
                "transform": positive,
                "params": [{"name": "zoom", "select": {"type": "interval"}, "bind": "scales"}],
                "mark": {"type": "line", "strokeWidth": 2, "clip": True},
                "encoding": encoding,
            },
            {"transform": positive, "mark": dots, "encoding": encoding | {"tooltip": tooltip}},
            *mark_label_layers(colours),
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def _encoding(title: str, key: Mapping[str, str], *, log: bool, share: bool) -> dict[str, Any]:
    """Return the vertical axis, the colours by `layer_key` and the dashes of the lines of `layer_chart`."""
    axis: dict[str, Any] = {"title": title, "format": ".0%"} if share else {"title": title, "format": "~g"}
    scale: dict[str, Any] = {"domain": [0, 1]} if share else {"zero": True}
    if log:
        axis |= LOG_AXIS
        scale = {"type": "log", "nice": False}
    colours = {"domain": list(key), "range": list(key.values())}
    return {
        "y": {"field": "value", "type": "quantitative", "axis": axis, "scale": scale},
        "color": {"field": "layer", "type": "nominal", "scale": colours, "legend": None},
        "strokeDash": {"condition": {"test": f"datum.layer === '{NETWORK_LABEL}'", "value": [5, 3]}, "value": [1, 0]},
    }


def lr_rows(points: Sequence[Point]) -> Rows:
    """Return the rows of the chart of the learning rate."""
    return [{"epoch": rounded(point.epochs), "value": rounded(point.lr)} for point in points]


def lr_chart(*, epochs: float, theme: str = "light", height: int = 300) -> dict[str, Any]:
    """Return a chart of the learning rate over rows of `lr_rows`; arguments as those of `layer_chart`."""
    colours = THEMES[theme]
    y = {"field": "value", "type": "quantitative", "title": "Learning rate", "scale": {"zero": True}}
    tooltip = [
        {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
        {"field": "value", "type": "quantitative", "title": "Learning rate", "format": ".3g"},
    ]
    line = {"type": "line", "strokeWidth": 2, "color": colours.mark, "interpolate": "step-after", "clip": True}
    dots = {"type": "point", "filled": True, "size": 80, "opacity": 0, "clip": True}
    return {
        "height": height,
        "encoding": {"x": epoch_axis(epochs), "y": {**y, "axis": {"format": "~g"}}},
        "layer": [{"mark": line}, {"mark": dots, "encoding": {"tooltip": tooltip}}],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
