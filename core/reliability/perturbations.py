"""Small perturbations of an image (flips, shifts, brightness, JPEG), and their inverse for heatmaps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (C, H, W)
Floats = NDArray[np.float64]


def _same(values: Floats) -> Floats:
    return values


@dataclass(frozen=True)
class Perturbation:
    """A perturbation.

    Attributes:
        title: What it is called on the screen.
        turn: Makes the changed picture, uint8 (C, H, W), of the picture.
        back: Puts what a map (H, W) of the changed picture says of each place where it was in the picture; NaN where
            that place has left the picture.
    """

    title: str
    turn: Callable[[Pixels], Pixels]
    back: Callable[[Floats], Floats] = _same


def _flip(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _unflip(values: Floats) -> Floats:
    return np.ascontiguousarray(values[:, ::-1])


def step_of(side: int) -> int:
    """Return the shift in pixels for a side of so many: a sixteenth, at least one."""
    return max(1, side // 16) if side > 1 else 0


def _shift(down: int, right: int, pixels: Pixels) -> Pixels:
    """Return a shifted picture; the border repeats its edge."""
    rows = (np.arange(pixels.shape[1]) - down * step_of(pixels.shape[1])).clip(0, pixels.shape[1] - 1)
    cols = (np.arange(pixels.shape[2]) - right * step_of(pixels.shape[2])).clip(0, pixels.shape[2] - 1)
    return np.ascontiguousarray(pixels[:, rows][:, :, cols])


def _unshift(down: int, right: int, values: Floats) -> Floats:
    height, width = values.shape
    restored = np.full(values.shape, np.nan)
    rows, cols = np.arange(height) + down * step_of(height), np.arange(width) + right * step_of(width)
    kept_rows, kept_cols = (rows >= 0) & (rows < height), (cols >= 0) & (cols < width)
    restored[np.ix_(kept_rows, kept_cols)] = values[np.ix_(rows[kept_rows], cols[kept_cols])]
    return restored


def _darken(share: float, pixels: Pixels) -> Pixels:
    return np.round(pixels * share).astype(np.uint8)


def _jpeg(quality: int, pixels: Pixels) -> Pixels:
    file = BytesIO()
    flat = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(flat)).save(file, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(file, formats=("JPEG",)))
    return np.ascontiguousarray(decoded.reshape(*pixels.shape[1:], len(pixels)).transpose(2, 0, 1))


def _shifted(title: str, down: int, right: int) -> Perturbation:
    return Perturbation(title, partial(_shift, down, right), partial(_unshift, down, right))


PERTURBATIONS = {
    "flip": Perturbation("Mirrored", _flip, _unflip),
    "left": _shifted("Shifted left", 0, -1),
    "right": _shifted("Shifted right", 0, 1),
    "up": _shifted("Shifted up", -1, 0),
    "down": _shifted("Shifted down", 1, 0),
    "darker": Perturbation("Darkened to 75%", partial(_darken, 0.75)),
    "dark": Perturbation("Darkened to 50%", partial(_darken, 0.5)),
    "jpeg_75": Perturbation("JPEG, quality 75", partial(_jpeg, 75)),
    "jpeg_40": Perturbation("JPEG, quality 40", partial(_jpeg, 40)),
    "jpeg_10": Perturbation("JPEG, quality 10", partial(_jpeg, 10)),
}
