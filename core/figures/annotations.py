"""Annotations of learning curves: the best epoch, events (changed settings) and stretches marked by a diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from core.figures.palette import Theme
from core.runs.history import Best
from core.runs.records import Event

MAX_EVENTS, MAX_LABELS = 40, 6  # lines, and how many of them are labelled: the latest
_MAX_CHARS, _MAX_TEXT_CHARS = 40, 200  # characters of a label, and of what is read on pointing at it
_LABEL_ROWS = 3  # labels of neighbouring events stand below one another
_FONT_PX = 11.5
_SIDE = {"expr": "datum.side"}
_BESIDE_RING = {"expr": "datum.down ? 17 : -17"}

Row = dict[str, Any]
Rows = list[Row]
Layers = list[dict[str, Any]]


@dataclass(frozen=True)
class Mark:
    """A stretch of a curve that a diagnosis marks as evidence.

    Attributes:
        first_epoch: Where it begins, in passes over the training images.
        last_epoch: Where it ends.
        label: A few words.
        measure: On which curve: "loss", "accuracy", "gradient" or "dead".
    """

    first_epoch: float
    last_epoch: float
    label: str
    measure: str


def _short(text: str, longest: int = _MAX_CHARS) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _side(epoch: float, epochs: float) -> str:
    """Return "left" or "right": the side of its place on which a label has room."""
    return "right" if epoch > 0.55 * epochs else "left"


def event_rows(events: Sequence[Event], steps_per_epoch: int, epochs: float) -> Rows:
    """Return a row for each event: its step, its label and the row of labels that is free at this step.

    Events of one step share a line; of more than `MAX_EVENTS` lines the latest are drawn.

    Args:
        events: What people did, in order.
        steps_per_epoch: Updates of one epoch.
        epochs: Where the axis ends.
    """
    lines: dict[int, list[str]] = {}
    for event in events:
        lines.setdefault(event.step, []).append(event.text)
    latest = list(lines.items())[-MAX_EVENTS:]
    rows = []
    for number, (step, texts) in enumerate(latest):
        epoch = step / max(1, steps_per_epoch)
        label = _short(", ".join(texts)) if number >= len(latest) - MAX_LABELS else ""
        place = {"epoch": epoch, "label": label, "side": _side(epoch, epochs), "row": number % _LABEL_ROWS}
        rows.append(place | {"text": _short(", ".join(texts), _MAX_TEXT_CHARS)})
    return rows


def events_not_drawn(events: Sequence[Event]) -> int:
    """Return how many lines of events `event_rows` leaves out, the earliest."""
    return max(0, len({event.step for event in events}) - MAX_EVENTS)


def best_rows(best: Best | None, measure: str, steps_per_epoch: int, epochs: float, curve: Rows) -> Rows:
    """Return the row of the best epoch on the curve of "loss" or "accuracy"; no row before the first epoch ends.

    Its label lies towards the middle of the figure: the labels of events and marks stand at the edges.

    Args:
        best: The best epoch so far.
        measure: "loss" or "accuracy".
        steps_per_epoch: Updates of one epoch.
        epochs: Where the axis of epochs ends.
        curve: Every row of the curve, which reaches as high as the highest of them; an accuracy reaches to 1.
    """
    if best is None:
        return []
    values = [row["value"] for row in curve if isfinite(row["value"])]
    highest = 1.0 if measure == "accuracy" else max(values, default=0.0)
    epoch, value = best.step / max(1, steps_per_epoch), getattr(best, measure)
    place = {"epoch": epoch, "value": value, "side": _side(epoch, epochs), "down": value > highest / 2}
    return [place | {"label": f"best: epoch {best.epoch}"}]


def mark_rows(marks: Sequence[Mark], measure: str, epochs: float, events: Sequence[Row] = ()) -> Rows:
    """Return a row for each mark on the curve of one measure; a single step is widened so that it is visible.

    Their labels stand in the rows that those of the `events` leave free.
    """
    least, first = epochs / 100, max((row["row"] + 1 for row in events), default=0)
    return [
        {
            "epoch": min(mark.first_epoch, mark.last_epoch - least),
            "until": mark.last_epoch,
            "label": _short(mark.label),
            "row": first + number % _LABEL_ROWS,
        }
        for number, mark in enumerate(mark for mark in marks if mark.measure == measure)
    ]


def mark_layers(colours: Theme) -> Layers:
    """Return the Vega-Lite layers of the data set "marks": shaded stretches, to lie beneath the curves."""
    return [
        {
            "data": {"name": "marks"},
            "mark": {"type": "rect", "color": colours.test, "opacity": 0.16, "clip": True},
            "encoding": {"x2": {"field": "until"}, "tooltip": _tooltip("label", "Found")},
        }
    ]


def mark_label_layers(colours: Theme, *, above: bool = True) -> Layers:
    """Return the layers of the labels of "marks", to lie on the curves: at the top of the figure, or at its foot."""
    return _labels("marks", colours, _height(above), align="left", dx=4, colour=colours.text)


def event_layers(colours: Theme, *, above: bool = True) -> Layers:
    """Return the Vega-Lite layers of the data set "events": vertical lines, labelled at their top or their foot."""
    line = {"data": {"name": "events"}, "encoding": {"tooltip": _tooltip("text", "Changed")}}
    return [
        line | {"mark": {"type": "rule", "color": colours.muted, "strokeDash": [4, 3], "clip": True}},
        line | {"mark": {"type": "rule", "color": colours.muted, "strokeWidth": 11, "opacity": 0.001, "clip": True}},
        *_labels("events", colours, _height(above), align=_SIDE, dx=_away(5), colour=colours.text),
    ]


def best_layers(colours: Theme) -> Layers:
    """Return the Vega-Lite layers of the data set "best": a ring around the best epoch's dot, and its label."""
    y = {"field": "value", "type": "quantitative"}
    ring = {"type": "point", "filled": False, "size": 170, "strokeWidth": 2, "color": colours.valid, "clip": True}
    return [
        {"data": {"name": "best"}, "mark": ring, "encoding": {"y": y}},
        *_labels("best", colours, y, align=_SIDE, dx=_away(2), colour=colours.text, dy=_BESIDE_RING),
    ]


def _height(above: bool) -> dict[str, Any]:
    """Return the height of a label in its row, counted from the top or from the foot."""
    down = f"{_FONT_PX / 2 + 2} + {_FONT_PX + 3} * datum.row"
    return {"value": {"expr": down if above else f"height - ({down})"}}


def _away(pixels: int) -> dict[str, str]:
    return {"expr": f"datum.side === 'left' ? {pixels} : -{pixels}"}


def _tooltip(field: str, title: str) -> list[dict[str, Any]]:
    return [
        {"field": field, "type": "nominal", "title": title},
        {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
    ]


def _labels(data: str, colours: Theme, y: dict[str, Any], *, colour: str, **place: Any) -> Layers:
    """Return text over a halo of the page's colour, so that it reads on top of lines."""
    text = {"type": "text", "fontSize": _FONT_PX, "baseline": "middle", "clip": True, **place}
    halo = text | {"stroke": colours.background, "strokeWidth": 4, "strokeJoin": "round", "color": colours.background}
    encoding = {"y": y, "text": {"field": "label", "type": "nominal"}}
    return [{"data": {"name": data}, "mark": mark, "encoding": encoding} for mark in (halo, text | {"color": colour})]
