"""Pictures taken apart again."""

import io

import numpy as np
from PIL import Image


def tiles(png: bytes, height: int, width: int, *, gap: int) -> np.ndarray:
    """Return the tiles of sheets below one another, uint8 (N, H, W, 3), row by row; between sheets there is no gap."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    found = []
    top = 0
    while top < len(pixels):
        for left in range(0, pixels.shape[1], width + gap):
            tile = pixels[top : top + height, left : left + width]
            if tile[..., 3].all():
                found.append(tile[..., :3])
        top += height
        if top < len(pixels) and not pixels[top, :, 3].any():
            top += gap
    return np.stack(found)
