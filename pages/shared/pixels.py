"""Pictures in whole levels, and how a network's images are made of them."""

from typing import TYPE_CHECKING

from core.runs.records import Run
from pages.shared.pretrained import Pretrained
from pages.shared.state import scale
from pages.shared.subjects import Picture

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Statistics = tuple[tuple[float, ...], tuple[float, ...]]


def levels(picture: Picture) -> "Tensor":
    """Return a picture's values, uint8 (C, H, W)."""
    import torch

    return torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(picture.shape)


def statistics(run: Run) -> Statistics:
    """Return the mean and deviation, per channel of pixels / 255, that a network's images are normalised by.

    Raises:
        ConvScopeError: They belong to a data set that cannot be read.
    """
    if isinstance(run, Pretrained):
        return run.info.mean, run.info.std
    data = scale(run)
    return data.mean, data.std


def normalized(pixels: "Tensor", known: Statistics) -> "Tensor":
    """Return what a network receives for pixels, uint8 (N, C, H, W)."""
    import torch

    mean, std = (torch.tensor(values)[:, None, None] for values in known)
    return (pixels / 255 - mean) / std


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
