"""Learning curves as Vega-Lite descriptions; a Vega-Lite chart keeps its zoom while data arrives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.figures.annotations import Rows, best_layers, event_layers, mark_label_layers, mark_layers
from core.figures.palette import THEMES, Theme
from core.runs.history import Point
from core.train.choices import LOSSES

ROOM_PX = 9  # around the lines: a ring around a dot at the edge is whole
LEGEND = {"title": None, "orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 3, "symbolOpacity": 1}
_POWER = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 0.001"
LOG_AXIS = {  # strong lines at powers of ten, faint ones between
    "tickCount": 5,
    "format": "~g",
    "gridOpacity": {"condition": {"test": _POWER, "value": 1}, "value": 0.3},
}
SPLITS = {"train": "Training batches", "valid": "Validation images"}


def title(measure: str, loss: str = "cross_entropy") -> str:
    """Return the title of the axis of "loss" or "accuracy"."""
    entry = LOSSES.get(loss)  # none for a run of a later version
    return ("Loss" + (f" ({entry.title.lower()})" if entry else "")) if measure == "loss" else "Accuracy"


def smooth(values: Sequence[float], weight: float) -> list[float]:
    """Return the exponential moving average of values, corrected for its start.

    The mean of the first values is not drawn towards zero: what their weights lack to one is divided out, as
    TensorBoard does it (`classicSmoothing` in tensorboard/webapp/widgets/line_chart_v2/data_transformer.ts;
    the same correction as in Kingma and Ba 2015, section 3).

    Args:
        values: The numbers in order.
        weight: What the mean so far weighs, from 0 (nothing is smoothed) to below 1.
    """
    smoothed, mean = [], 0.0
    for count, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        smoothed.append(mean / (1 - weight**count))
    return smoothed


def curve_rows(points: Mapping[str, Sequence[Point]], measure: str, smoothing: float = 0.0) -> Rows:
    """Return the rows of a chart of "loss" or "accuracy": one for each point of each split.

    Each has its "value" and, in "smooth", what is drawn as the line. Only training batches are smoothed: after
    an epoch the whole validation split is measured, which leaves no noise to take away.
    """
    rows: Rows = []
    for split, split_points in points.items():
        values = [getattr(point, measure) for point in split_points]
        smoothed = smooth(values, smoothing) if split == "train" else values
        rows += [
            {
                "epoch": rounded(point.epochs),
                "value": rounded(value),
                "smooth": rounded(line),
                "split": SPLITS[split],
            }
            for point, value, line in zip(split_points, values, smoothed, strict=True)
        ]
    return rows


def gap_rows(points: Mapping[str, Sequence[Point]], measure: str, smoothing: float = 0.0) -> Rows:
    """Return the edges of the area between the training and the validation line, from the first epoch to the last.

    There is a row wherever one of the lines has a point; the other line is read off there, between its points.
    """
    train, valid = points.get("train", ()), points.get("valid", ())
    if not train or not valid:
        return []
    steps, epochs = [point.epochs for point in train], [point.epochs for point in valid]
    at = np.union1d([epoch for epoch in steps if epochs[0] <= epoch <= epochs[-1]], epochs)
    line = np.interp(at, steps, smooth([getattr(point, measure) for point in train], smoothing))
    other = np.interp(at, epochs, [getattr(point, measure) for point in valid])
    return [
        {"epoch": rounded(epoch), "train": rounded(low), "valid": rounded(high)}
        for epoch, low, high in zip(at.tolist(), line.tolist(), other.tolist(), strict=True)
    ]


def rounded(value: float) -> float:
    """Return a number rounded to five significant digits, so that small values do not become zero."""
    return float(f"{value:.5g}")


def curve_chart(
    measure: str,
    *,
    epochs: float,
    loss: str = "cross_entropy",
    log: bool = False,
    theme: str = "light",
    height: int = 340,
) -> dict[str, Any]:
    """Return a Vega-Lite description of learning curves over rows of `curve_rows`.

    It depends on none of the data, which would lose the zoom: what is not to be shown has no rows. Its further
    data sets are "gap" (`gap_rows`), "best", "events" and "marks" (see `core.figures.annotations`).

    Args:
        measure: "loss" or "accuracy".
        epochs: Where the training will end: the axis shows from the start how much is still to come.
        loss: Key of `core.train.choices.LOSSES`, for the axis title.
        log: Whether the axis of a loss is logarithmic: values that are not positive are then left out.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours, log = THEMES[theme], log and measure == "loss"
    axis: dict[str, Any] = {"title": title(measure, loss)}
    scale: dict[str, Any] = {"zero": True, "padding": ROOM_PX}
    if measure == "accuracy":
        axis["format"] = ".0%"
        scale = {"domain": [0, 1], "padding": ROOM_PX}
    elif log:
        axis |= LOG_AXIS
        scale = {"type": "log", "nice": False}
    y = {"type": "quantitative", "axis": axis, "scale": scale}
    above = measure == "loss"  # where such a curve leaves room for words
    layers = [*mark_layers(colours), _gap(y, colours, log), *_lines(y, colours, log)]
    labels = [*mark_label_layers(colours, above=above), *event_layers(colours, above=above), *best_layers(colours)]
    return {
        "height": height,
        "encoding": {"x": epoch_axis(epochs)},
        "layer": [*layers, *labels],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def epoch_axis(epochs: float) -> dict[str, Any]:
    """Return the horizontal axis of every figure over a training: from its start to its planned end."""
    return {
        "field": "epoch",
        "type": "quantitative",
        "title": "Epoch",
        "scale": {"domain": [0, epochs], "nice": False, "padding": ROOM_PX},
        "axis": {"tickMinStep": 1, "grid": False, "labelFlush": ROOM_PX + 1},
    }


def _gap(y: Mapping[str, Any], colours: Theme, log: bool) -> dict[str, Any]:
    return {
        "data": {"name": "gap"},
        "transform": [{"filter": "datum.train > 0 && datum.valid > 0"}] if log else [],
        "mark": {"type": "area", "color": colours.valid, "opacity": 0.14, "clip": True},
        "encoding": {"y": {**y, "field": "train"}, "y2": {"field": "valid"}},
    }


def _lines(y: Mapping[str, Any], colours: Theme, log: bool) -> list[dict[str, Any]]:
    """Return the layers of a chart: raw line, smoothed line, dots of the epochs, invisible dots with tooltips."""
    colour = {
        "field": "split",
        "type": "nominal",
        "scale": {"domain": list(SPLITS.values()), "range": [colours.train, colours.valid]},
        "legend": LEGEND,
    }
    form = ".1%" if y["axis"].get("format") == ".0%" else ".4f"
    tooltip = [
        {"field": "split", "type": "nominal", "title": "Measured on"},
        {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
        {"field": "value", "type": "quantitative", "title": y["axis"]["title"], "format": form},
    ]
    raw = {"y": {**y, "field": "value"}, "color": colour}
    line, dot = {"type": "line", "clip": True}, {"type": "point", "filled": True, "clip": True}
    positive = [{"filter": "datum.value > 0"}] if log else []
    validation = [{"filter": {"field": "split", "equal": SPLITS["valid"]}}, *positive]
    zoom = [{"name": "zoom", "select": {"type": "interval"}, "bind": "scales"}]
    return [
        {"transform": positive, "mark": line | {"strokeWidth": 1, "opacity": 0.3}, "encoding": raw},
        {
            "transform": positive,
            "params": zoom,
            "mark": line | {"strokeWidth": 2},
            "encoding": {"y": {**y, "field": "smooth"}, "color": colour},
        },
        {"transform": validation, "mark": dot | {"size": 45}, "encoding": raw},
        {"transform": positive, "mark": dot | {"size": 90, "opacity": 0}, "encoding": raw | {"tooltip": tooltip}},
    ]
