"""Pictures as the screen shows them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def shown(pixels: "np.ndarray") -> "np.ndarray":
    """Return a picture (C, H, W) as (H, W, 3), to show."""
    import numpy as np

    array = np.asarray(pixels).transpose(1, 2, 0)
    return np.broadcast_to(array, (*array.shape[:2], 3))


def enlarged(pixels: "np.ndarray", side: int = 256) -> "np.ndarray":
    """Repeat the pixels of a picture (H, W, 3) until its longer side has at least so many."""
    zoom = max(1, -(-side // max(pixels.shape[:2])))
    repeated: np.ndarray = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return repeated
