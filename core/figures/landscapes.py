"""Loss landscapes of two weights: a contour map with optimiser paths over it, and a surface (Plotly)."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.figures.optimizer_courses import CORNERS, hue, order_of, short_name
from core.figures.palette import SHAPES, THEMES, sequential
from core.maths.landscapes import Landscape, Point

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
Paths = Mapping[str, Floats]

WIDTH = 1120  # pixels of a map, drawn at half that size: sharp on dense screens
CONTOURS = 16
_SHARE = {"light": 0.5, "dark": 0.62}  # of the scale's colour in a map; the rest is the page, so that paths stand out


def map_size(landscape: Landscape) -> tuple[int, int]:
    """Return the width and height of a landscape's map in pixels."""
    (left, right), (low, high) = landscape.bounds
    return WIDTH, round(WIDTH * (high - low) / (right - left))


def place_of(landscape: Landscape, point: Point) -> tuple[int, int]:
    """Return the row and the column of the map where a point lies; the nearest edge where it lies outside."""
    width, height = map_size(landscape)
    x, y = _pixels(landscape, np.asarray(point, dtype=np.float64))
    return min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)


def point_at(landscape: Landscape, row: int, col: int) -> Point:
    """Return the point in the middle of a pixel of the map."""
    (left, right), (low, high) = landscape.bounds
    width, height = map_size(landscape)
    return left + (right - left) * (col + 0.5) / width, high - (high - low) * (row + 0.5) / height


def relief(landscape: Landscape, points: Floats) -> Floats:
    """Return log(1 + height above the lowest point), (…): high walls do not hide differences near the minimum."""
    floor = landscape.value(landscape.minimum)
    return np.log1p(np.maximum(landscape.value(points) - floor, 0.0))


def landscape_map(landscape: Landscape, *, theme: str = "light") -> NDArray[np.uint8]:
    """Return the heights as colours with contour lines, uint8 (H, W, 3): darker is lower."""
    width, height = map_size(landscape)
    (left, right), (low, high) = landscape.bounds
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    x, y = np.meshgrid(left + (right - left) * across, high - (high - low) * down)
    heights = relief(landscape, np.stack([x, y], axis=-1))
    share = heights / heights.max()
    page = np.array(list(bytes.fromhex(THEMES[theme].background[1:])))
    colours = _SHARE[theme] * sequential()[(share * 255).astype(np.uint8)] + (1 - _SHARE[theme]) * page
    level = (share * CONTOURS).astype(np.int64)
    edge = np.zeros(level.shape, dtype=bool)
    edge[:-1] |= level[:-1] != level[1:]
    edge[:, :-1] |= level[:, :-1] != level[:, 1:]
    colours[edge] *= 0.82
    return colours.astype(np.uint8)


def race_png(
    landscape: Landscape, ground: NDArray[np.uint8], paths: Paths, start: Point, *, theme: str = "light"
) -> bytes:
    """Return a PNG of a map with optimiser paths: a ring at the start, a dot for each step, a marker at the end.

    Args:
        landscape: The landscape.
        ground: Its map, from `landscape_map`.
        paths: (steps + 1, 2) by the names of `core.maths.OPTIMIZERS`; a way ends before its first NaN.
        start: Where the ring is drawn.
        theme: "light" or "dark".

    Returns:
        The bytes of a PNG as large as the map.
    """
    image, colours = Image.fromarray(ground), THEMES[theme]
    draw = ImageDraw.Draw(image)
    ways: dict[str, list[Any]] = {
        name: [tuple(at) for at in _pixels(landscape, _walked(path)).tolist()] for name, path in paths.items()
    }
    for minimum in landscape.minima:
        x, y = _pixels(landscape, np.array(minimum))
        for width, colour in ((8, colours.background), (4, colours.text)):
            draw.line([(x - 11, y - 11), (x + 11, y + 11)], fill=colour, width=width)
            draw.line([(x - 11, y + 11), (x + 11, y - 11)], fill=colour, width=width)
    for way in ways.values():
        draw.line(way, fill=colours.background, width=9, joint="curve")
    for name, way in ways.items():
        draw.line(way, fill=hue(name, theme), width=5, joint="curve")
        for x, y in way[1:-1]:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=hue(name, theme))
    x, y = _pixels(landscape, np.array(start))
    for width, colour in ((9, colours.background), (4, colours.text)):
        draw.ellipse((x - 14, y - 14, x + 14, y + 14), outline=colour, width=width)
    for name, way in ways.items():
        if len(way) > 1:
            _sign(draw, way[-1], name, theme)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=2)
    return file.getvalue()


def surface(landscape: Landscape, paths: Paths, *, theme: str = "light", height: int = 520) -> "go.Figure":
    """Return a Plotly surface of a landscape with the optimisers' paths on it.

    The height is that of `relief`; hovering names the true one.
    """
    import plotly.graph_objects as go

    (left, right), (low, high) = landscape.bounds
    x, y = np.linspace(left, right, 90), np.linspace(low, high, 90)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    scale = [(place / 11, f"rgb{tuple(sequential()[round(place * 255 / 11)].tolist())}") for place in range(12)]
    figure = go.Figure(
        go.Surface(
            x=x,
            y=y,
            z=relief(landscape, points),
            customdata=landscape.value(points),
            colorscale=scale,
            showscale=False,
            opacity=0.92,
            hovertemplate="x %{x:.3g}, y %{y:.3g}<br>height %{customdata:.4g}<extra></extra>",
        )
    )
    for name, path in paths.items():
        way = _walked(path)
        way = way[((way >= (left, low)) & (way <= (right, high))).all(axis=1)]
        figure.add_scatter3d(
            x=way[:, 0],
            y=way[:, 1],
            z=relief(landscape, way) + 0.02,
            customdata=landscape.value(way),
            mode="lines+markers",
            name=short_name(name),
            line={"color": hue(name, theme), "width": 6},
            marker={"color": hue(name, theme), "size": 2.5},
            hovertemplate="x %{x:.3g}, y %{y:.3g}<br>height %{customdata:.4g}",
        )
    colours = THEMES[theme]
    axis = {"color": colours.muted, "gridcolor": colours.line, "backgroundcolor": "rgba(0,0,0,0)"}
    figure.update_layout(
        template=None,
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "y": 0, "font": {"color": colours.text}},
        scene={
            "xaxis": axis | {"title": "x"},
            "yaxis": axis | {"title": "y"},
            "zaxis": axis | {"title": "log height", "showticklabels": False},
            "camera": {"eye": {"x": -1.4, "y": -1.5, "z": 1.0}},
        },
    )
    return figure


def _pixels(landscape: Landscape, points: Floats) -> Floats:
    """Return where points (…, 2) lie on the map: column and row in pixels, (…, 2)."""
    (left, right), (low, high) = landscape.bounds
    width, height = map_size(landscape)
    return np.stack(
        [(points[..., 0] - left) / (right - left) * width, (high - points[..., 1]) / (high - low) * height], axis=-1
    )


def _walked(path: Floats) -> Floats:
    """Return a path up to where it leaves the landscape."""
    return path[np.isfinite(path).all(axis=1)]


def _sign(draw: ImageDraw.ImageDraw, at: tuple[float, ...], name: str, theme: str) -> None:
    x, y = at
    shape, size = SHAPES[order_of(name)], 12
    for grown, colour in ((size + 4, THEMES[theme].background), (size, hue(name, theme))):
        if shape == "circle":
            draw.ellipse((x - grown, y - grown, x + grown, y + grown), fill=colour)
        else:
            draw.polygon([(x + grown * right, y + grown * down) for right, down in CORNERS[shape]], fill=colour)
