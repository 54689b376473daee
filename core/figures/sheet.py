"""Layout of tiles (picture, title, text, colour bar) on one PNG sheet."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from core.errors import ExplainError
from core.figures.fonts import font, lines
from core.figures.palette import THEMES, Pixels
from core.figures.scales import ColorScale, legend

MIN_TILE_PX = 448  # least pixels of a tile's picture, drawn at half that size: sharp on paper and on dense screens
MARGIN_PX, GAP_PX, BAR_PX = 48, 40, 16
HEADING, TITLE, TEXT, SMALL = 40, 26, 22, 20  # pixels of the letters
COLUMNS = 4
MAX_PIXELS = 60_000_000
_LEADING = 1.35


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes:
        title: Its heading.
        subtitle: A line below, such as the class; may hold what a user wrote.
        pixels: uint8 (H, W, 3); small ones are enlarged without smoothing.
        text: What it shows and what its colours mean.
        scale: What its colours mean, in numbers; None draws no legend.
    """

    title: str
    subtitle: str
    pixels: Pixels
    text: str = ""
    scale: ColorScale | None = None


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet as PNG, with the places of its tiles.

    Attributes:
        png: The picture.
        places: Left and top of each tile's picture, and how many of the sheet's pixels one of its own is wide and high.
    """

    png: bytes
    places: tuple[tuple[int, int, int], ...]


def sheet(heading: str, about: str, tiles: Sequence[Tile], *, columns: int = COLUMNS) -> Sheet:
    """Return tiles laid out row by row below a heading, in the light theme.

    Args:
        heading: The title of the sheet; may hold what a user wrote.
        about: A sentence or two below it: which network, which picture.
        tiles: At least one; all text of theirs is drawn as it stands.
        columns: How many stand side by side.

    Raises:
        ExplainError: There is nothing to draw, or the sheet would be too large.
    """
    if not tiles:
        raise ExplainError("There is nothing to draw yet: let at least one explanation be computed.")
    zooms = [max(1, -(-MIN_TILE_PX // max(tile.pixels.shape[:2]))) for tile in tiles]
    width = max(zoom * tile.pixels.shape[1] for zoom, tile in zip(zooms, tiles, strict=True))
    width = max(width, MIN_TILE_PX)
    columns = max(1, min(columns, len(tiles)))
    total = 2 * MARGIN_PX + columns * width + (columns - 1) * GAP_PX
    head = _written([(heading, HEADING, True), (about, TEXT, False)], total - 2 * MARGIN_PX)
    tops, heights = [MARGIN_PX + _height(head) + GAP_PX], []
    for row in range(0, len(tiles), columns):
        ends = [_tile_height(*each, width) for each in zip(tiles[row : row + columns], zooms[row:], strict=False)]
        heights.append(max(ends))
        tops.append(tops[-1] + heights[-1] + GAP_PX)
    if total * tops[-1] > MAX_PIXELS:
        raise ExplainError("These are too many explanations for one sheet: choose fewer methods or fewer classes.")
    canvas = Image.new("RGB", (total, tops[-1] - GAP_PX + MARGIN_PX), THEMES["light"].background)
    _write(canvas, head, MARGIN_PX, MARGIN_PX)
    places = []
    for number, (tile, zoom) in enumerate(zip(tiles, zooms, strict=True)):
        left, top = MARGIN_PX + number % columns * (width + GAP_PX), tops[number // columns]
        places.append((left, _draw(canvas, tile, zoom, left, top, width), zoom))
    file = io.BytesIO()
    canvas.save(file, "PNG", compress_level=6)
    return Sheet(file.getvalue(), tuple(places))


_Line = tuple[str, int, bool, int]  # text, size, bold, pixels down to the next


def _written(parts: Sequence[tuple[str, int, bool]], width: int) -> list[_Line]:
    return [
        (line, size, bold, round(size * _LEADING))
        for text, size, bold in parts
        for line in lines(text, font(size, bold=bold), width)
    ]


def _height(written: Sequence[_Line]) -> int:
    return sum(down for *_, down in written)


def _write(canvas: Image.Image, written: Sequence[_Line], left: int, top: int) -> int:
    """Write lines and return where the next would begin."""
    pen, colours = ImageDraw.Draw(canvas), THEMES["light"]
    for text, size, bold, down in written:
        pen.text((left, top), text, font=font(size, bold=bold), fill=colours.text if bold else colours.muted)
        top += down
    return top


def _parts(tile: Tile, width: int) -> tuple[list[_Line], list[_Line]]:
    above = _written([(tile.title, TITLE, True), (tile.subtitle or " ", TEXT, False)], width)
    return above, _written([(tile.text, SMALL, False)], width)


def _tile_height(tile: Tile, zoom: int, width: int) -> int:
    above, below = _parts(tile, width)
    bar = _bar_height() if _has_bar(tile) else 0
    return _height(above) + 8 + zoom * tile.pixels.shape[0] + bar + 12 + _height(below)


def _has_bar(tile: Tile) -> bool:
    return tile.scale is not None and tile.scale.high > 0


def _bar_height() -> int:
    return 16 + BAR_PX + 6 + round(SMALL * _LEADING)


def _draw(canvas: Image.Image, tile: Tile, zoom: int, left: int, top: int, width: int) -> int:
    """Draw a tile and return the top of its picture."""
    above, below = _parts(tile, width)
    picture = _write(canvas, above, left, top) + 8
    enlarged = tile.pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    canvas.paste(Image.fromarray(np.ascontiguousarray(enlarged)), (left, picture))
    top = picture + enlarged.shape[0]
    if tile.scale is not None and _has_bar(tile):
        _bar(canvas, tile.scale, left, top + 16, enlarged.shape[1])
        top += _bar_height()
    _write(canvas, below, left, top + 12)
    return picture


def _bar(canvas: Image.Image, scale: ColorScale, left: int, top: int, width: int) -> None:
    first = 1 if scale.kind == "diverging" else 0
    colours = scale.colors[np.linspace(first, 255, width).round().astype(int)]
    canvas.paste(Image.fromarray(np.ascontiguousarray(np.broadcast_to(colours, (BAR_PX, width, 3)))), (left, top))
    pen: Any = ImageDraw.Draw(canvas)
    for place, label, anchor in zip((0.0, 0.5, 1.0), legend(scale).labels, ("la", "ma", "ra"), strict=True):
        at = (left + round(place * (width - 1)), top + BAR_PX + 6)
        pen.text(at, label, font=font(SMALL), fill=THEMES["light"].text, anchor=anchor)
