"""Patterns and colours that drawn pictures are made of."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def to_rgb(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    """Turn hue, saturation and value in 0..1, each (N,), into colours (N, 3) in 0..1."""
    sector = (np.array([5, 3, 1]) + hue[:, None] * 6) % 6
    dip = np.clip(np.minimum(sector, 4 - sector), 0, 1)
    return value[:, None] * (1 - saturation[:, None] * dip)


def grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Return row and column of each pixel, counted from the middle of a picture, each (H, W)."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return y - (height - 1) / 2, x - (width - 1) / 2


def patterns(u: Floats, v: Floats, period: Floats) -> Mapping[str, Floats]:
    """Return stripes, checks and dots over turned and shifted coordinates.

    Args:
        u, v: The coordinates in pixels, (N, H, W).
        period: Length of a repetition in pixels, (N, 1, 1).

    Returns:
        By name (N, H, W), to be clipped to 0..1; stripes run along `v`.
    """
    wave_u, wave_v = np.sin(u * 2 * np.pi / period), np.sin(v * 2 * np.pi / period)
    distance = np.hypot(u % period - period / 2, v % period - period / 2)
    return {"stripes": 0.5 + wave_u, "checks": 0.5 + 1.5 * wave_u * wave_v, "dots": period * 0.3 - distance + 0.5}


def clouds(knots: Floats, height: int, width: int) -> Floats:
    """Stretch values (N, K, K) smoothly over a picture: (N, H, W), linear between them."""
    rows, columns = (
        np.maximum(0, 1 - np.abs(np.linspace(0, knots.shape[1] - 1, side)[:, None] - np.arange(knots.shape[1])))
        for side in (height, width)
    )
    return rows @ knots @ columns.T
