"""Explanation of one image over the epochs of a training: heatmaps in one scale, and charts of measures by epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.explain.strength import Strength, shared_full_colour
from core.figures.annotations import Rows
from core.figures.curves import epoch_axis, rounded
from core.figures.overlays import Overlay, Sign, overlay
from core.figures.palette import HUES, SHAPES, THEMES, Pixels
from core.figures.scales import ColorScale


def course_tiles(
    pixels: Pixels,
    maps: NDArray[np.float32],
    *,
    one_scale: bool = True,
    signed: bool,
    positive: str = "",
    negative: str | None = None,
    strength: float = 0.85,
    percentile: float = 99,
    sign: Sign = "both",
    says: Sequence[Strength] = (),
) -> Overlay:
    """Return the maps of several epochs over their picture, all in one scale or each in its own.

    Args:
        pixels: The picture, uint8 (H, W, 3).
        maps: Float (N, H, W), N at least 1.
        one_scale: Whether one scale holds for all, so that it is seen how the values grow.
        signed, positive, negative, strength, percentile, sign: As for `core.figures.overlays.overlay`.
        says: How much each map says, so that weak ones stay faint; without it all are taken for clear.

    Returns:
        Its `pixels` are uint8 (N, H, W, 3). Where each map has its own scale, 1 stands for the full colour of each.
    """
    count, _, width = maps.shape
    options: dict[str, Any] = {"signed": signed, "positive": positive, "negative": negative}
    options |= {"strength": strength, "percentile": percentile, "sign": sign, "zoom": 1}
    parts = [slice(None)] if one_scale else [slice(place, place + 1) for place in range(count)]
    overlays = [
        overlay(
            np.tile(pixels, (1, len(maps[part]), 1)),
            np.concatenate(maps[part], 1),
            full_colour=shared_full_colour(says[part]),
            **options,
        )
        for part in parts
    ]
    tiles = np.concatenate([each.pixels for each in overlays], axis=1).reshape(-1, count, width, 3).swapaxes(0, 1)
    first = next((each for each in overlays if not each.blank), overlays[0])
    if one_scale:
        return replace(first, pixels=tiles, scope="all_maps")
    scale = ColorScale(first.scale.kind, 0.0 - signed, 1.0 * bool(first.scale.high))
    return replace(first, pixels=tiles, scale=scale, scope="each")


def course_rows(lines: Mapping[str, Sequence[tuple[float, float | None]]]) -> Rows:
    """Return the rows of `course_chart` from each line's (epoch, value) pairs; pairs without a value are left out."""
    return [
        {"run": name, "epoch": rounded(epoch), "value": rounded(value)}
        for name, points in lines.items()
        for epoch, value in points
        if value is not None
    ]


def course_chart(
    names: Sequence[str],
    *,
    epochs: float,
    low: float = 0.0,
    share: bool = True,
    theme: str = "light",
    height: int = 170,
) -> dict[str, Any]:
    """Return a small chart over rows of `course_rows`, with two more data sets: "now" and "level".

    "now" holds the epoch that is looked at, a vertical line; "level" a value to compare with, a dashed line.

    Args:
        names: The lines in the order of their colours.
        epochs: Where the axis ends.
        low: Where the vertical axis begins; it ends at 1.
        share: Whether the values are shares, written as percentages.
        theme: "light" or "dark".
        height: In pixels.
    """
    colours, form = THEMES[theme], ".0%" if share else ".1f"
    axis = {"title": None, "format": form, "values": [low, (low + 1) / 2, 1] if share else sorted({low, 0, 0.5, 1})}
    y = {"field": "value", "type": "quantitative", "axis": axis, "scale": {"domain": [low, 1], "nice": False}}
    tooltip = [
        *([{"field": "run", "type": "nominal", "title": "Network"}] if len(names) > 1 else []),
        {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2~f"},
        {"field": "value", "type": "quantitative", "title": "Value", "format": ".1%" if share else ".2f"},
    ]

    def per_run(values: Sequence[str]) -> dict[str, Any]:
        scale = {"domain": list(names), "range": list(values[: len(names)])}
        return {"field": "run", "type": "nominal", "scale": scale, "legend": None}

    line = {"y": y, "color": per_run(HUES[theme] if len(names) > 1 else (colours.mark,))}
    return {
        "height": height,
        "encoding": {"x": epoch_axis(epochs)},
        "layer": [
            {
                "data": {"name": "now"},
                "mark": {"type": "rule", "color": colours.neutral, "strokeWidth": 6, "opacity": 0.5},
            },
            {
                "data": {"name": "level"},
                "mark": {"type": "rule", "color": colours.muted, "strokeDash": [4, 3]},
                "encoding": {"x": None, "y": y},  # it knows no epoch and goes across all of them
            },
            {"mark": {"type": "line", "strokeWidth": 2, "clip": True}, "encoding": line},
            {
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": line | {"shape": per_run(SHAPES), "tooltip": tooltip},
            },
        ],
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }
