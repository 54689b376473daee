"""Images of a data set as one strip."""

import numpy as np
from numpy.typing import NDArray

from core.figures.grids import sprite
from core.figures.palette import Pixels

_WIDTH_PX = 112  # pixels are repeated until a picture is about so wide: a browser that makes it smaller blurs nothing
_GAP_PX = 8
_DIMMED = 0.2


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
    return sprite(pixels, len(pixels), gap=_GAP_PX, zoom=max(1, round(_WIDTH_PX / pixels.shape[2])))
