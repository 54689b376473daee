"""Grids of maps or filters as one picture (a sprite sheet)."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from core.figures.palette import Pixels
from core.figures.scales import ColorScale

# Pixels are repeated until a map or a picture is about so wide: a browser that makes it smaller blurs nothing.
_MAP_PX, _SAMPLE_PX = 128, 112
_GAP_PX = 8
_DIMMED = 0.2


def colorize(maps: ArrayLike, scale: ColorScale | Sequence[ColorScale]) -> Pixels:
    """Colour maps, float (N, H, W), by one scale or one for each: uint8 (N, H, W, 3)."""
    array = np.asarray(maps)
    if array.ndim != 3:
        raise ValueError(f"maps must have shape (N, H, W), not {array.shape}")
    if isinstance(scale, ColorScale):
        return scale.rgb(array)
    return np.stack([own.rgb(values) for own, values in zip(scale, array, strict=True)])


def filters_as_rgb(kernels: ArrayLike) -> Pixels:
    """Return filters over red, green and blue as small colour pictures.

    Each filter is scaled on its own: mid-grey is a weight of zero and its largest weight, by size, reaches
    black or full brightness. So colours say which mix a filter looks for, not how strong it is.

    Args:
        kernels: Weights, float (N, 3, kH, kW).

    Returns:
        uint8 (N, kH, kW, 3).
    """
    array = np.nan_to_num(np.asarray(kernels, dtype=np.float64), posinf=0, neginf=0)
    if array.ndim != 4 or array.shape[1] != 3:
        raise ValueError(f"kernels must have shape (N, 3, kH, kW), not {array.shape}")
    sizes = np.abs(array).max(axis=(1, 2, 3), keepdims=True)
    scaled = 128 + 127 * array / np.where(sizes > 0, sizes, 1)
    return scaled.round().astype(np.uint8).transpose(0, 2, 3, 1)


def sprite(pixels: Pixels, columns: int, *, gap: int = 0, zoom: int = 1) -> bytes:
    """Lay pictures out row by row in one PNG.

    Args:
        pixels: Pictures of one size, uint8 (N, H, W, 3) with N at least 1.
        columns: How many stand side by side, at least 1.
        gap: Pixels between two pictures; gaps and places left over are transparent.
        zoom: How many pixels wide and high each value becomes, without smoothing.

    Returns:
        The bytes of the PNG. Picture i starts at x = (i % columns) · (W · zoom + gap),
        y = (i // columns) · (H · zoom + gap).
    """
    if columns < 1 or zoom < 1 or gap < 0 or len(pixels) < 1:
        raise ValueError("columns and zoom must be at least 1, gap at least 0, and pictures at least one")
    pictures = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    count, height, width, _ = pictures.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + gap, width + gap, 4), dtype=np.uint8)
    cells[:count, :height, :width, :3] = pictures
    cells[:count, :height, :width, 3] = 255
    sheet = cells.reshape(rows, columns, height + gap, width + gap, 4).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), 4)
    sheet = sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]
    full = gap == 0 and count == rows * columns
    file = io.BytesIO()
    _indexed(Image.fromarray(np.ascontiguousarray(sheet[..., :3] if full else sheet))).save(
        file, "PNG", compress_level=2
    )
    return file.getvalue()


def _indexed(image: Image.Image) -> Image.Image:
    """Return an RGB picture of at most 256 colours, as every coloured map is, as numbers of these: a third as large."""
    colours = image.getcolors(256) if image.mode == "RGB" else None
    if not colours:
        return image
    palette = np.array(sorted(colour for _, colour in colours), np.int64)  # (P, 3)
    weights = np.array([1 << 16, 1 << 8, 1])
    places = np.searchsorted(palette @ weights, np.asarray(image) @ weights).astype(np.uint8)
    indexed = Image.fromarray(places, "P")
    indexed.putpalette(palette.astype(np.uint8).tobytes())
    return indexed


def sample_strip(images: NDArray[np.uint8], masks: NDArray[np.bool_] | None = None) -> bytes:
    """Return images side by side in one row.

    Args:
        images: uint8 (N, C, H, W) with N at least 1 and one or three channels.
        masks: bool (N, H, W); pixels where it is false are dimmed.

    Returns:
        The bytes of a PNG.
    """
    pixels: Pixels = np.broadcast_to(images, (len(images), 3, *images.shape[2:])).transpose(0, 2, 3, 1)
    if masks is not None:
        pixels = np.where(masks[..., None], pixels, pixels * _DIMMED).astype(np.uint8)
    return sprite(pixels, len(pixels), gap=_GAP_PX, zoom=max(1, round(_SAMPLE_PX / pixels.shape[2])))


def unit_map(values: ArrayLike, percentile: float = 99) -> NDArray[np.float64]:
    """Return a map divided by its largest absolute value: values from −1 to 1, comparable in pattern but not in size.

    The size is a high percentile of its values' sizes, which a few extreme pixels do not move. A blank map stays so.
    """
    array = np.asarray(values, dtype=np.float64)
    return (array / (ColorScale.of(array, percentile=percentile, signed=True).high or 1.0)).clip(-1, 1)


def cascade_tiles(maps: Sequence[ArrayLike], *, signed: bool) -> tuple[Pixels, ColorScale]:
    """Return coloured maps (H, W), each divided by its own size, in one scale from −1 to 1, or 0 to 1 without signs.

    Returns:
        uint8 (N, H · zoom, W · zoom, 3), its pixels to be seen, and the scale.
    """
    scale = ColorScale("diverging", -1.0, 1.0) if signed else ColorScale("sequential", 0.0, 1.0)
    pixels = scale.rgb(np.stack([unit_map(values) for values in maps]))
    zoom = max(1, round(_MAP_PX / max(pixels.shape[1:3])))
    return pixels.repeat(zoom, axis=1).repeat(zoom, axis=2), scale
