"""Input of the embedding's scatter plot: normalised coordinates and one contact sheet of thumbnails."""

import base64
import io
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.figures.palette import Pixels

THUMBNAIL_PX = 48  # pixels of a thumbnail's longer side


def framed(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return coordinates (N, 2) centred and scaled into the square from -1 to 1, both axes by the same factor."""
    array = np.asarray(points, dtype=np.float64)
    low, high = array.min(axis=0), array.max(axis=0)
    size = float((high - low).max()) / 2
    return ((array - (low + high) / 2) / (size or 1.0)).astype(np.float32)


def contact_sheet(images: Pixels) -> tuple[str, int, int, int]:
    """Return many thumbnails as one picture file for the browser.

    Args:
        images: uint8 (N, C, H, W) with N at least 1 and one or three channels.

    Returns:
        A data URL, a PNG of grey pictures and a JPEG of coloured ones; a tile's width and height, at most
        `THUMBNAIL_PX`; and how many tiles stand in a row.
    """
    count, channels, height, width = images.shape
    scale = min(1.0, THUMBNAIL_PX / max(height, width))
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    cells = np.zeros((rows * columns, channels, tall, wide), dtype=np.uint8)
    for place, image in enumerate(images):
        cells[place] = image if scale == 1 else _shrunk(image, wide, tall)
    sheet = cells.reshape(rows, columns, channels, tall, wide).transpose(0, 3, 1, 4, 2)
    sheet = np.ascontiguousarray(sheet.reshape(rows * tall, columns * wide, channels))
    kind = "PNG" if channels == 1 else "JPEG"
    file = io.BytesIO()
    picture = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    picture.save(file, kind, **({"compress_level": 6} if channels == 1 else {"quality": 90, "subsampling": 0}))
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{text}", wide, tall, columns


def _shrunk(image: Pixels, width: int, height: int) -> Pixels:
    bands = [Image.fromarray(band).resize((width, height), Image.Resampling.BOX) for band in image]
    return np.stack([np.asarray(band) for band in bands])
