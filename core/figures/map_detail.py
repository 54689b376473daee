"""One map enlarged, with the numbers of its cells (Plotly)."""

from math import floor, log10
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.figures.palette import luminance
from core.figures.scales import ColorScale
from core.formatting import formatted, number

Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are exclusive

_MAX_NUMBERED_SIDE = 16
_WIDTH_PX = 360  # of the figure on the screen, in pixels; a phone has little more


def around(shape: tuple[int, int], row: int, col: int, side: int = 9) -> Box:
    """Return the box of at most side × side cells of a map (H, W), centred on a cell as far as the edges allow."""
    height, width = (min(side, size) for size in shape)
    top = max(0, min(row - side // 2, shape[0] - height))
    left = max(0, min(col - side // 2, shape[1] - width))
    return top, left, top + height, left + width


def enlarged_map(
    values: ArrayLike,
    scale: ColorScale,
    *,
    title: str = "Activation",
    height: int = 480,
    origin: tuple[int, int] = (0, 0),
    box: Box | None = None,
) -> go.Figure:
    """Draw one map in the colours of its grid, with numbers where there is room for them.

    Args:
        values: The map, float (H, W), row 0 at the top.
        scale: The scale of the grid it comes from.
        title: What the colours measure, in words, beside the colour bar.
        height: Height of the figure in pixels.
        origin: Row and column of the first value, where only a part of a map is drawn.
        box: A part of the whole map to draw a frame around.

    Returns:
        A Plotly figure with square cells; hovering names row, column and value. Up to 16 × 16 each cell shows
        its number, rounded, in black or white, whichever reads better. What is not a number is left blank.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"a map must have shape (H, W), not {array.shape}")
    numbered = max(array.shape) <= _MAX_NUMBERED_SIDE
    high = scale.high or 1.0
    heatmap = {
        "type": "heatmap",
        "z": np.nan_to_num(array, nan=np.nan, posinf=high, neginf=-high),
        "x0": origin[1],
        "y0": origin[0],
        "colorscale": scale.plotly(),
        "zmin": -high if scale.kind == "diverging" else 0,
        "zmax": high,
        "zsmooth": False,
        "xgap": int(numbered),
        "ygap": int(numbered),
        "hoverongaps": False,
        "hovertemplate": "row %{y}, column %{x}<br>value %{z:.5g}<extra></extra>",
        "showscale": scale.high > 0,
        "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 14, "outlinewidth": 0},
    }
    numbers = [_numbers(array, scale, height, origin)] if numbered else []
    left, top = origin[1] - 0.5, origin[0] - 0.5
    layout = {
        "template": {},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": height,
        "margin": {"l": 30, "r": 10, "t": 10, "b": 30},
        "showlegend": False,
        "shapes": _frame(box) if box else [],
        "xaxis": _axis(array.shape[1]) | {"range": [left, left + array.shape[1]]},
        "yaxis": _axis(array.shape[0]) | {"range": [top + array.shape[0], top], "scaleanchor": "x"},
    }
    # Checking every one of its colours again would take Plotly longer than all the rest.
    return go.Figure({"data": [heatmap, *numbers], "layout": layout}, _validate=False)


def _axis(count: int) -> dict[str, Any]:
    step = -(-count // 8)
    ticks = {"dtick": step, "tick0": 0, "tickformat": "d", "ticks": ""}
    return ticks | {"showgrid": False, "zeroline": False, "constrain": "domain"}


def _frame(box: Box) -> list[dict[str, Any]]:
    """Return a black and a white line around a box, so that it shows on every colour."""
    top, left, bottom, right = (edge - 0.5 for edge in box)
    corners = {"type": "rect", "x0": left, "y0": top, "x1": right, "y1": bottom}
    return [corners | {"line": {"color": color, "width": width}} for color, width in (("#000000", 5), ("#ffffff", 2))]


def _numbers(array: NDArray[np.float64], scale: ColorScale, height: int, origin: tuple[int, int]) -> dict[str, Any]:
    valid = ~np.isnan(array)
    rows, columns = np.nonzero(valid)
    digits = 3 if max(array.shape) <= _MAX_NUMBERED_SIDE // 2 else 2
    texts = [_short(value, scale.high, digits) for value in array[valid]]
    cell = min((height - 40) / array.shape[0], (max(height, _WIDTH_PX) - 40) / array.shape[1])
    longest = max((len(text) for text in texts), default=1)
    light = luminance(scale.rgb(array[valid]))
    return {
        "type": "scatter",
        "x": columns + origin[1],
        "y": rows + origin[0],
        "mode": "text",
        "text": texts,
        "textfont": {
            "color": ["#000000" if value > 0.179 else "#ffffff" for value in light],  # equal contrast at 0.179
            "size": max(7, min(15, floor(0.9 * cell / (0.56 * longest)))),
        },
        "hoverinfo": "skip",
    }


def _short(value: float, high: float, digits: int) -> str:
    """Round a value so that the scale's largest shows `digits` digits, all of a map alike; 0 has no sign."""
    if not np.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if high and not 1e-3 <= high < 1e5:
        return number(value, digits - 1)
    decimals = max(0, digits - 1 - floor(log10(high))) if high else 0
    return formatted(value, f".{decimals}f")
