"""Probabilities, logits and concept scores of the classes as bars (Plotly and Vega-Lite)."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.explain.tcav import ConceptReport, mean_interval
from core.figures.annotations import Rows
from core.figures.curves import rounded
from core.figures.palette import THEMES
from core.formatting import number

_MAX_CHARS = 32


def escape_plotly(text: str) -> str:
    """Return text escaped for Plotly's labels, which interpret tags, entities and $formulas$."""
    return html.escape(" ".join(text.split()), quote=False).replace("$", "&#36;")


def _label(name: str, index: int, true: int | None) -> str:
    short = name if len(name) <= _MAX_CHARS else name[: _MAX_CHARS - 1] + "…"
    return escape_plotly(short) + (" (true)" if index == true else "")


def probabilities(
    class_names: Sequence[str],
    probs: ArrayLike,
    *,
    true: int | None = None,
    chosen: int | None = None,
    top: int = 5,
    theme: str = "light",
) -> go.Figure:
    """Return a chart of the most likely classes of one image, the likeliest on top.

    Args:
        class_names: Name of each class; shown as text whatever it holds.
        probs: Probabilities, float (K,).
        true: The true class, marked in words.
        chosen: The class being explained, in the accent colour; by default the likeliest.
        top: How many classes to show.
        theme: "light" or "dark".

    Returns:
        A Plotly figure; each bar's `customdata[0]` is the index of its class.
    """
    values = np.asarray(probs, dtype=np.float64)
    if values.shape != (len(class_names),):
        raise ValueError(f"{len(class_names)} class names do not fit probabilities of shape {values.shape}")
    order = np.argsort(-values, kind="stable")[:top]
    chosen = int(order[0]) if chosen is None else chosen
    colours = THEMES[theme]
    places = list(range(len(order)))
    figure = go.Figure(
        go.Bar(
            x=values[order],
            y=places,
            orientation="h",
            text=[f"{value:.1%}" for value in values[order]],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": [colours.mark if index == chosen else colours.neutral for index in order],
                "line": {"width": 0},
            },
            customdata=[[int(index), escape_plotly(class_names[index])] for index in order],
            hovertemplate="%{customdata[1]}: %{x:.2%}<extra></extra>",
        )
    )
    _lay_out(figure, [_label(class_names[index], int(index), true) for index in order])
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    return figure


def scores(
    class_names: Sequence[str], values: ArrayLike, *, true: int | None = None, theme: str = "light"
) -> go.Figure:
    """Return a chart of the logit of each class, in the order of the classes.

    Args:
        class_names: Name of each class; shown as text whatever it holds.
        values: The numbers, float (K,), of either sign.
        true: The true class, marked in words.
        theme: "light" or "dark".

    Returns:
        A Plotly figure; the largest number's bar has the accent colour.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(class_names),):
        raise ValueError(f"{len(class_names)} class names do not fit values of shape {array.shape}")
    colours = THEMES[theme]
    best = int(array.argmax())
    figure = go.Figure(
        go.Bar(
            x=array,
            y=list(range(len(array))),
            orientation="h",
            text=[number(value) for value in array],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": [colours.mark if index == best else colours.neutral for index in range(len(array))],
                "line": {"width": 0},
            },
            customdata=[[escape_plotly(name)] for name in class_names],
            hovertemplate="%{customdata[0]}: %{x:.5g}<extra></extra>",
        )
    )
    _lay_out(figure, [_label(name, index, true) for index, name in enumerate(class_names)])
    reach = 1.2 * max(float(np.abs(array).max()), 1e-9)
    low = -reach if array.min() < 0 else 0.0
    figure.update_xaxes(range=[low, reach], showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_xaxes(zeroline=True, zerolinecolor=colours.line, zerolinewidth=2)
    return figure


def _lay_out(figure: go.Figure, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=labels,
        autorange="reversed",
        automargin=True,
        ticks="",
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(
        template=None,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        bargap=0.35,
        height=24 + 36 * len(labels),
        margin={"l": 10, "r": 60, "t": 4, "b": 4},
        showlegend=False,
    )


_ROW_PX, _FRAME_PX = 30, 100  # screen pixels of a concept and its gap, and of the legend and the axis
KINDS = {"found": "Differs from chance", "chance": "May be chance"}
_CONCEPT_AXIS = {"title": None, "labelFontSize": 13, "domain": False, "ticks": False, "labelPadding": 8} | {
    "labelOverlap": False
}
_CONCEPT_TOOLTIP = [
    {"field": "concept", "type": "nominal", "title": "Concept"},
    {"field": "score", "type": "quantitative", "title": "Score", "format": ".0%"},
    {"field": "low", "type": "quantitative", "title": "From", "format": ".0%"},
    {"field": "high", "type": "quantitative", "title": "To", "format": ".0%"},
    {"field": "p", "type": "quantitative", "title": "p", "format": ".2~g"},
    {"field": "accuracy", "type": "quantitative", "title": "Told apart", "format": ".0%"},
]


def concept_rows(report: ConceptReport, titles: Mapping[str, str]) -> Rows:
    """Return a row for each concept, in their order, with the 95% interval of its mean score.

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
    y = {"field": "concept", "type": "nominal", "sort": {"field": "place"}, "axis": _CONCEPT_AXIS}
    order = {"domain": list(KINDS.values()), "range": [colours.mark, colours.muted]}
    legend = {"title": None, "orient": "top", "labelFontSize": 12, "labelLimit": 300}
    colour = {"field": "kind", "type": "nominal", "scale": order, "legend": legend}
    shapes = {"domain": list(KINDS.values()), "range": ["circle", "cross"]}
    shape = {"field": "kind", "type": "nominal", "scale": shapes, "legend": legend}
    chance = {"values": [{"low": low, "high": high, "mean": float(np.mean(report.random))}]}
    return {
        "height": _ROW_PX * len(report.concepts) + _FRAME_PX,
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
                "encoding": {"x": x, "y": y, "color": colour, "shape": shape} | {"tooltip": _CONCEPT_TOOLTIP},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
