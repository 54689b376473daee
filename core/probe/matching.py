"""Hand-made kernels, and which of them each learned filter is most like; no torch, so that a menu costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ConvScopeError
from core.probe.strength import strongest_channels

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


@dataclass(frozen=True)
class Match:
    """The hand-made kernel that a learned filter is most like.

    Attributes:
        filter: Number of the filter.
        name: Key of `KERNELS`; None for a filter that is even zero, or not a number, and so like none.
        cosine: Cosine of the angle between the two, from 0 (nothing in common) to 1 (the same up to a factor).
        sign: −1 where it is most like the kernel with all signs turned, else 1.
        grey: Which part of the filter's norm was compared, from 0 to 1: with "mean", what it makes of grey
            pictures; little of it is a filter for colours, or one that sees the channels apart.
    """

    filter: int
    name: str | None
    cosine: float
    sign: int
    grey: float


def best_matches(weights: ArrayLike, *, channels: str = "mean", centred: bool = False) -> tuple[Match, ...]:
    """Return for each learned filter the hand-made kernel with the largest cosine similarity, up to its sign.

    A filter has a kernel for each input channel and a hand-made one has a single one. Of the first layer the mean
    over channels is compared: on a grey picture, where all channels are equal, the filter does exactly what that
    mean does (times the number of channels). Deeper, where channels are maps of different things, a mean means
    nothing, and the strongest channel's kernel says more.

    Args:
        weights: Float (O, C, k, k), for instance `filters(model, layer)`.
        channels: "mean" or "strongest".
        centred: Take the mean from every kernel first, so that only the pattern counts and not whether it also
            measures brightness; the box blur, which does nothing else, then matches nothing.

    Raises:
        ConvScopeError: The filters are not square with an odd side of at least 3, or `channels` is neither.
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 4 or array.shape[2] != array.shape[3]:
        raise ConvScopeError(f"Only square filters can be compared with hand-made ones, not those of {array.shape}.")
    if channels not in ("mean", "strongest"):
        raise ConvScopeError(f'The channels to compare can be "mean" or "strongest", not {channels!r}.')
    known = np.stack([kernel(name, array.shape[2]).ravel() for name in KERNELS])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if channels == "mean":
            learned, share = array.mean(axis=1), np.sqrt(array.shape[1])
        else:
            learned, share = array[np.arange(len(array)), strongest_channels(array)], 1.0
        flat, whole = learned.reshape(len(array), -1), np.linalg.norm(array.reshape(len(array), -1), axis=1)
        grey = np.nan_to_num(share * np.linalg.norm(flat, axis=1) / whole)
        if centred:
            known, flat = known - known.mean(axis=1, keepdims=True), flat - flat.mean(axis=1, keepdims=True)
        cosines = np.nan_to_num(_unit(flat) @ _unit(known).T)
    best = np.abs(cosines).argmax(axis=1)
    names = list(KERNELS)
    return tuple(
        Match(number, names[at] if cosine else None, min(1.0, abs(cosine)), -1 if cosine < 0 else 1, min(1.0, part))
        for number, (at, cosine, part) in enumerate(
            zip(best.tolist(), cosines[np.arange(len(best)), best].tolist(), grey.tolist(), strict=True)
        )
    )


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    # what rounding leaves of an even kernel without its mean is no pattern
    return np.where(norms > 1e-12, rows / norms, 0.0)
