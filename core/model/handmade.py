"""Hand-made kernels: what people laid over pictures before networks learned their own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import comb

import numpy as np
from numpy.typing import NDArray

from core.errors import ConvScopeError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A hand-made kernel (k, k), to be laid over a picture as torch lays its own (not turned)."""

    title: str
    summary: str
    values: Floats


def kernel(name: str, size: int = 3) -> Floats:
    """Return a hand-made kernel of another size, (size, size); raises `ConvScopeError` if there is none."""
    if name not in _MAKERS:
        raise ConvScopeError(f"There is no hand-made kernel {name!r}: choose one of {', '.join(_MAKERS)}.")
    if type(size) is not int or size < 3 or size % 2 == 0:
        raise ConvScopeError(f"Hand-made kernels have an odd size of at least 3, not {size!r}: they need a middle.")
    return _MAKERS[name](size)


def _binomial(size: int) -> Floats:
    return np.array([comb(size - 1, place) for place in range(size)], dtype=np.float64)


def _steep(size: int, axis: int) -> Floats:
    slope = np.convolve(_binomial(size - 2), [-1, 0, 1])
    along = np.outer(_binomial(size), slope)
    return along if axis else along.T


def _bump(size: int) -> Floats:
    return np.outer(_binomial(size), _binomial(size)) / 4.0 ** (size - 1)


def _spot(size: int) -> Floats:
    spot = np.zeros((size, size))
    spot[size // 2, size // 2] = 1
    return spot


def _curved(size: int) -> Floats:
    """Return the second derivative (four neighbours less the middle) of a picture blurred to fill the size."""
    inner, curved = np.pad(_bump(size - 2), 2), np.zeros((size, size))
    for weight, row, col in ((-4, 1, 1), (1, 0, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2)):
        curved += weight * inner[row : row + size, col : col + size]
    return curved


def _relief(size: int) -> Floats:
    rows, cols = np.indices((size, size)) - size // 2
    return (rows + cols) / (size // 2) + _spot(size)


def _wave(size: int, theta: float) -> Floats:
    """Return the even Gabor wave with one bright stripe in the middle, without its mean."""
    rows, cols = np.indices((size, size)) - size // 2
    along = cols * np.cos(np.radians(theta)) + rows * np.sin(np.radians(theta))
    wave = np.exp(-(rows**2 + cols**2) / (2 * (size / 4) ** 2)) * np.cos(2 * np.pi * along / (2 * size / 3))
    return np.asarray(wave - wave.mean(), dtype=np.float64)


_MAKERS: dict[str, Callable[[int], Floats]] = {
    "identity": _spot,
    "blur": lambda size: np.full((size, size), 1 / size**2),
    "gaussian": _bump,
    "sharpen": lambda size: _spot(size) - _curved(size),
    "sobel_x": partial(_steep, axis=1),
    "sobel_y": partial(_steep, axis=0),
    "laplacian": _curved,
    "emboss": _relief,
    **{f"gabor_{theta}": partial(_wave, theta=theta) for theta in (0, 45, 90, 135)},
}
# fmt: off
KERNELS: dict[str, Kernel] = {
    name: Kernel(title, summary, kernel(name)) for name, title, summary in (
        ("identity", "Identity", "Leaves the picture as it is."),
        ("blur", "Box blur", "The mean of all pixels under it."),
        ("gaussian", "Gaussian", "A mean in which the middle counts most."),
        ("sharpen", "Sharpen", "The picture less its Laplacian: edges stand out."),
        ("sobel_x", "Sobel x", "How fast the brightness grows to the right: upright edges."),
        ("sobel_y", "Sobel y", "How fast the brightness grows downwards: level edges."),
        ("laplacian", "Laplacian", "How much darker the middle is than what lies around it."),
        ("emboss", "Emboss", "The picture as a relief with light from the lower right."),
        ("gabor_0", "Gabor 0°", "A bright upright stripe between two dark ones."),
        ("gabor_45", "Gabor 45°", "A bright stripe that rises to the right between two dark ones."),
        ("gabor_90", "Gabor 90°", "A bright level stripe between two dark ones."),
        ("gabor_135", "Gabor 135°", "A bright stripe that falls to the right between two dark ones."),
    )
}
# fmt: on
