"""Matching of learned filters to hand-made kernels by cosine similarity; imports no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ConvScopeError
from core.inference.network import Network
from core.model.handmade import KERNELS, kernel
from core.probe.network_layers import first_convolution

if TYPE_CHECKING:
    from numpy.typing import NDArray


_DEAD_SHARE = 1e-3


def strengths(weights: ArrayLike) -> NDArray[np.float64]:
    """Return the norm of each filter, the root of the sum of its squared weights: (N,)."""
    array = np.asarray(weights, dtype=np.float64)
    return np.linalg.norm(array.reshape(len(array), -1), axis=1)


def strongest_channels(weights: ArrayLike) -> NDArray[np.intp]:
    """Return the input channel whose kernel has the largest norm in each filter: (N,)."""
    norms = np.linalg.norm(np.asarray(weights, dtype=np.float64), axis=(2, 3))
    return norms.argmax(axis=1)


def dead_filters(weights: ArrayLike) -> tuple[int, ...]:
    """Return the indices of filters whose norm is at most a thousandth of the largest."""
    norms = strengths(weights)
    return tuple(np.flatnonzero(norms <= _DEAD_SHARE * norms.max()).tolist())


Floats = NDArray[np.float64]


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
    kernels = np.stack([kernel(name, array.shape[2]).ravel() for name in KERNELS])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if channels == "mean":
            learned, share = array.mean(axis=1), np.sqrt(array.shape[1])
        else:
            learned, share = array[np.arange(len(array)), strongest_channels(array)], 1.0
        flat, whole = learned.reshape(len(array), -1), np.linalg.norm(array.reshape(len(array), -1), axis=1)
        grey = np.nan_to_num(share * np.linalg.norm(flat, axis=1) / whole)
        if centred:
            kernels, flat = kernels - kernels.mean(axis=1, keepdims=True), flat - flat.mean(axis=1, keepdims=True)
        cosines = np.nan_to_num(_unit(flat) @ _unit(kernels).T)
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


ALIKE = 0.8  # cosine similarity from which two kernels do nearly the same


@dataclass(frozen=True, eq=False)
class Matched:
    """The learned filters of a convolution and what they are like.

    Attributes:
        layer: The name of the convolution.
        kernels: The mean kernel of each filter over its input channels, float (N, k, k).
        channels: How many kernels a filter has.
        found: Its likeness to hand-made ones, the best first.
    """

    layer: str
    kernels: "NDArray[np.float32]"
    channels: int
    found: tuple[Match, ...]

    @property
    def alike(self) -> int:
        """How many filters are nearly a hand-made one."""
        return sum(match.cosine >= ALIKE for match in self.found)


def matched(weights: Network, *, centred: bool = False) -> Matched | None:
    """Compare the first convolution with the hand-made kernels; None where there is none.

    Raises:
        ConvScopeError: Its kernels are not square with an odd side of at least 3, or cannot be loaded.
    """
    from core.probe.kernels import filters

    layer = first_convolution(weights)
    if layer is None:
        return None
    values = filters(weights.model, layer).numpy()
    matches = sorted(best_matches(values, centred=centred), key=lambda match: -match.cosine)
    return Matched(layer, values.mean(axis=1), values.shape[1], tuple(matches))
