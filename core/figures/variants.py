"""Images of a data set, each beside variants of itself (augmentation)."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WIDTH_PX = 96  # pixels are repeated until a picture is about so wide: a browser that makes it smaller blurs nothing
_GAP_PX, _FIRST_GAP_PX = 8, 24


@dataclass(frozen=True)
class VariantSheet:
    """One picture: a row for each image, the image itself first and its variants after it.

    Attributes:
        png: The bytes of a PNG; gaps are transparent.
        begin: Share of its width at which the variants begin.
    """

    png: bytes
    begin: float


def variant_sheet(images: NDArray[np.uint8], variants: NDArray[np.uint8]) -> VariantSheet:
    """Return images beside their variants, enlarged without smoothing.

    Args:
        images: uint8 (N, C, H, W) with N at least 1 and one or three channels.
        variants: uint8 (N, K, C, H, W) with K at least 1.

    Returns:
        The sheet; a wider gap sets the first column apart.
    """
    tiles = np.concatenate((images[:, None], variants), axis=1)
    zoom = max(1, round(_WIDTH_PX / images.shape[3]))
    tiles = np.broadcast_to(tiles, (*tiles.shape[:2], 3, *tiles.shape[3:])).transpose(0, 1, 3, 4, 2)
    tiles = tiles.repeat(zoom, axis=2).repeat(zoom, axis=3)
    rows, columns, height, width, _ = tiles.shape
    begin = width + _FIRST_GAP_PX
    lefts = [0, *range(begin, begin + (columns - 1) * (width + _GAP_PX), width + _GAP_PX)]
    sheet = np.zeros((rows * (height + _GAP_PX) - _GAP_PX, lefts[-1] + width, 4), dtype=np.uint8)
    for row, tiles_of_row in enumerate(tiles):
        down = slice(row * (height + _GAP_PX), row * (height + _GAP_PX) + height)
        for left, tile in zip(lefts, tiles_of_row, strict=True):
            sheet[down, left : left + width, :3] = tile
            sheet[down, left : left + width, 3] = 255
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", compress_level=2)
    return VariantSheet(file.getvalue(), begin / sheet.shape[1])
