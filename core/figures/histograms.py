"""Histograms over time of weights, gradients or activations (Vega-Lite)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.figures.annotations import Rows
from core.figures.curves import epoch_axis, rounded
from core.figures.palette import THEMES, hex_of, sequential
from core.runs.records import Evidence


def rebin(bins: Sequence[float], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of a histogram's values in each bin of other edges.

    Inside a bin the values count as evenly spread; a histogram of one single value lies in the bin that holds it.

    Args:
        bins: Lowest and highest value, then the counts of equal bins between them (as `Evidence.bins`).
        edges: Growing, (N + 1,).

    Returns:
        float (N,); it sums to 1 if the edges reach around all values.
    """
    low, high, *counts = bins
    if high <= low:
        return np.histogram([low], edges)[0].astype(np.float64)
    below = np.concatenate([[0.0], np.cumsum(counts)]) / max(sum(counts), 1e-300)
    return np.diff(np.interp(edges, np.linspace(low, high, len(below)), below))


def histogram_rows(evidence: Sequence[Evidence], steps_per_epoch: int, epochs: float, *, bins: int = 30) -> Rows:
    """Return the cells of a picture of histograms over time: a column around each moment, rows on a common range.

    Empty cells are left out, as are moments whose numbers are not finite.

    Args:
        evidence: Of one kind and one layer, by step.
        steps_per_epoch: Updates of one epoch.
        epochs: Where the axis ends; a moment without neighbours gets a fiftieth of it.
        bins: Rows of the picture.
    """
    moments = [moment for moment in evidence if len(moment.bins) > 2 and np.isfinite(moment.bins).all()]
    if not moments:
        return []
    low, high = min(moment.bins[0] for moment in moments), max(moment.bins[1] for moment in moments)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    at = np.array([moment.step / max(1, steps_per_epoch) for moment in moments])
    borders = [at[0], *((at[1:] + at[:-1]) / 2), at[-1] if len(at) > 1 else at[-1] + epochs / 50]
    return [
        {
            "epoch": rounded(borders[column]),
            "until": rounded(borders[column + 1]),
            "low": rounded(edges[row]),
            "high": rounded(edges[row + 1]),
            "share": rounded(share),
        }
        for column, moment in enumerate(moments)
        for row, share in enumerate(rebin(moment.bins, edges).tolist())
        if share > 0
    ]


def histogram_chart(title: str, *, epochs: float, theme: str = "light", height: int = 300) -> dict[str, Any]:
    """Return a picture of histograms over time over rows of `histogram_rows`.

    Args:
        title: What the values are, for the vertical axis.
        epochs: Where the axis ends.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours = THEMES[theme]
    axis = {"title": title, "grid": False, "format": "~g"}
    stops = [hex_of(sequential()[round(place)]) for place in np.linspace(0, 255, 9)]
    return {
        "height": height,
        # A thin edge of the same colour closes the hairlines between cells.
        "mark": {
            "type": "rect",
            "clip": True,
            "stroke": {"expr": "scale('color', datum.share)"},
            "strokeWidth": 0.8,
            "strokeOpacity": 1,
        },
        "encoding": {
            "x": epoch_axis(epochs),
            "x2": {"field": "until"},
            "y": {"field": "low", "type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": False}},
            "y2": {"field": "high"},
            "color": {
                "field": "share",
                "type": "quantitative",
                # The root: where most values are zero, the few others must still be seen.
                "scale": {"type": "sqrt", "domainMin": 0, "range": stops},
                "legend": {"title": "Share of values", "format": ".0%", "gradientLength": height - 40, "tickCount": 4},
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2f"},
                {"field": "low", "type": "quantitative", "title": "From", "format": ".3g"},
                {"field": "high", "type": "quantitative", "title": "To", "format": ".3g"},
                {"field": "share", "type": "quantitative", "title": "Share of values", "format": ".1%"},
            ],
        },
        "config": {"axis": {"gridColor": colours.line}, "view": {"fill": stops[0], "stroke": None}},
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
    }
