"""Learning curves of several runs in one chart (Vega-Lite): one colour and one marker per run."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from core.figures.annotations import Rows
from core.figures.palette import HUES, SHAPES, THEMES
from core.runs.curves import RunCurve

MAX_RUNS = len(SHAPES)
AXES = {"epochs": "Epoch", "seconds": "Seconds of training"}
MEASURES = {"loss": "Loss", "accuracy": "Accuracy"}

_OUTLINES = {  # the signs as paths in a square from -1 to 1, as Vega draws them
    "square": "M-.8 -.8H.8V.8H-.8Z",
    "triangle-up": "M0 -.9L.9 .8H-.9Z",
    "diamond": "M0 -1L.9 0L0 1L-.9 0Z",
    "cross": "M-.3 -.9H.3V-.3H.9V.3H.3V.9H-.3V.3H-.9V-.3H-.3Z",
    "triangle-down": "M0 .9L.9 -.8H-.9Z",
    "triangle-right": "M.9 0L-.8 .9V-.9Z",
    "triangle-left": "M-.9 0L.8 .9V-.9Z",
    "circle": "M-.9 0A.9 .9 0 1 0 .9 0A.9 .9 0 1 0 -.9 0Z",
}


def overlay_rows(courses: Mapping[str, RunCurve], names: Mapping[str, str], measure: str, axis: str) -> Rows:
    """Return the rows of a chart of "loss" or "accuracy": one for each point that can be drawn.

    Args:
        courses: The curves, by the runs' ids.
        names: What the runs are called, by their ids.
        measure: Key of `MEASURES`.
        axis: Key of `AXES`.
    """
    return [
        {
            "run": run_id,
            "name": names[run_id],
            "split": split,
            "at": float(f"{getattr(spot, axis):.5g}"),
            "value": float(f"{getattr(spot, measure):.5g}"),
        }
        for run_id, course in courses.items()
        for split, spots in (("train", course.train), ("valid", course.valid))
        for spot in spots
        if math.isfinite(getattr(spot, measure))
    ]


def overlay_chart(
    ids: Sequence[str], measure: str, axis: str, *, log: bool = False, theme: str = "light", height: int = 340
) -> dict[str, Any]:
    """Return a Vega-Lite description over rows of `overlay_rows`: training thin, validation strong.

    Args:
        ids: The runs in the order of their colours, at most `MAX_RUNS`.
        measure: Key of `MEASURES`.
        axis: Key of `AXES`.
        log: Whether the vertical axis is logarithmic: values that are not positive are then left out.
        theme: "light" or "dark".
        height: In pixels.
    """
    form = ".0%" if measure == "accuracy" else ".4~g"
    scale = {"type": "log", "nice": False} if log else {"zero": measure == "loss"}
    encoding = {
        "x": {
            "field": "at",
            "type": "quantitative",
            "title": AXES[axis],
            "scale": {"nice": False, "padding": 8},
            "axis": {"tickMinStep": 1, "grid": False},
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "axis": {"title": MEASURES[measure], "format": form, "tickCount": 6},
            "scale": scale,
        },
        "color": _per_run("color", ids, HUES[theme]),
    }
    sign = {"shape": _per_run("shape", ids, SHAPES), "tooltip": _tooltip(measure, axis)}
    line = {"type": "line", "clip": True}
    return {
        "height": height,
        "transform": [{"filter": "datum.value > 0"}] if log else [],
        "encoding": encoding,
        "layer": [
            {
                "params": [{"name": "zoom", "select": {"type": "interval"}, "bind": "scales"}],
                "transform": [_only("train")],
                "mark": line | {"strokeWidth": 1, "opacity": 0.45},
            },
            {"transform": [_only("valid")], "mark": line | {"strokeWidth": 2.5}},
            {
                "transform": [_only("valid")],
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "clip": True},
                "encoding": sign,
            },
        ],
        "config": {"axis": {"gridColor": THEMES[theme].line}, "view": {"stroke": None}},
    }


def swatch(place: int, theme: str = "light") -> str:
    """Return the line and the sign of the run at a place, counted from 0, as the address of an SVG picture."""
    colour, outline = HUES[theme][place], _OUTLINES[SHAPES[place]]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 24" width="36" height="24"><g fill="{colour}">'
        f'<rect x="2" y="10.5" width="32" height="3"/><path transform="translate(18 12) scale(6)" d="{outline}"/>'
        "</g></svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _per_run(channel: str, ids: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    scale = {"domain": list(ids), "range": list(values[: len(ids)])}
    return {"field": "run", "type": "nominal", "scale": scale, "legend": None}


def _only(split: str) -> dict[str, Any]:
    return {"filter": {"field": "split", "equal": split}}


def _tooltip(measure: str, axis: str) -> list[dict[str, Any]]:
    form = ".2%" if measure == "accuracy" else ".4f"
    return [
        {"field": "name", "type": "nominal", "title": "Run"},
        {"field": "at", "type": "quantitative", "title": AXES[axis], "format": ".3~f"},
        {"field": "value", "type": "quantitative", "title": f"Validation {measure}", "format": form},
    ]
