"""What another program does to each number or each channel by itself, as layers of ours."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.exchange.foreign.network import Array, ForeignError, PixelScale, shown
from core.exchange.foreign.stack import EPS, NO_PADS, Stack, owned_by, values_or
from core.model import layers as kinds

SLOPE = 0.01  # of torch's leaky ReLU


def flatten(stack: Stack, owner: str, *, channels_last: bool) -> None:
    """Add the step from maps to a vector; a file that keeps channels last has its numbers in another order."""
    if len(stack.shape) == 1:
        return
    channels, height, width = stack.maps(owner)
    stack.add(owner, kinds.Flatten())
    if channels_last and channels > 1 and height * width > 1:
        stack.order = channels_last_order((channels, height, width))


def batch_norm(
    stack: Stack,
    owner: str,
    scale: Array | None,
    offset: Array | None,
    mean: Array | None,
    var: Array | None,
    eps: float,
) -> None:
    """Add batch normalisation by kept means and variances; another ε than ours goes into the variances."""
    size = stack.shape[0]
    order = slice(None) if stack.order is None else stack.order
    values = [
        np.asarray(values_or(given, blank, size, owner), np.float64)[order]
        for given, blank in ((scale, 1), (offset, 0), (mean, 0), (var, 1))
    ]
    gamma, beta, middle, spread = values
    if (spread + eps <= 0).any():
        raise ForeignError(f"The layer {shown(owner)} divides by the root of a negative variance.")
    variances = np.maximum(spread + eps - EPS, 0.0)
    gamma = gamma * np.sqrt((variances + EPS) / (spread + eps))  # 1 wherever the ε could be moved as it is
    count = np.zeros((), np.int64)
    tensors = {"weight": gamma, "bias": beta, "running_mean": middle, "running_var": variances}
    stack.add(owner, kinds.BatchNorm(), **tensors, num_batches_tracked=count)


def affine(stack: Stack, owner: str, factor: ArrayLike, offset: ArrayLike) -> None:
    """Multiply and add, by channel: in front of all layers it is how pixels are scaled, later a batch norm."""
    size = stack.shape[0]
    try:
        times, plus = (np.broadcast_to(np.asarray(value, np.float64), (size,)) for value in (factor, offset))
    except ValueError as error:
        raise ForeignError(f"The layer {shown(owner)} scales other numbers than those of channels.") from error
    if not (np.isfinite(times).all() and np.isfinite(plus).all()):
        raise ForeignError(f"The layer {shown(owner)} scales by numbers that are not finite.")
    if stack.begun or stack.pads != NO_PADS:
        batch_norm(stack, owner, times.astype(np.float32), plus.astype(np.float32), None, None, 0.0)
        return
    before = stack.scale or PixelScale((1.0,) * size, (0.0,) * size)
    factors, offsets = times * before.factor, times * before.offset + plus
    if (factors == 0).any():
        raise ForeignError(f"The layer {shown(owner)} multiplies all pixels by zero.")
    stack.scale = PixelScale(tuple(factors.tolist()), tuple(offsets.tolist()))


def activation(stack: Stack, owner: str, function: str, slope: float = SLOPE) -> None:
    """Add one of our activations."""
    if function not in kinds.ACTIVATIONS:
        raise ForeignError(
            f"The layer {shown(owner)} bends by {shown(function)!r}, and activations here are "
            f"{', '.join(kinds.ACTIVATIONS.values())}."
        )
    with owned_by(owner):
        layer = kinds.Activation(function, SLOPE if abs(slope - SLOPE) < 1e-7 else slope)
    stack.add(owner, layer)


def softmax(stack: Stack, owner: str) -> None:
    """End with softmax, which networks here leave to the loss: nothing is added."""
    stack.softmax_owner = stack.softmax_owner or shown(owner)
    stack.note(
        "The softmax at its end is left out: networks here give the scores before it, which are shown as shares."
    )


def dropout(stack: Stack, owner: str, p: float) -> None:
    """Add dropout, which does nothing in use."""
    with owned_by(owner):
        stack.add(owner, kinds.Dropout(min(float(p), 0.95)))


def channels_last_order(shape: Sequence[int]) -> NDArray[np.int64]:
    """Return, of maps (C, H, W) in a row, where each number stands in a row that was made with channels last."""
    channels, height, width = shape
    places = np.arange(channels * height * width).reshape(height, width, channels)
    return places.transpose(2, 0, 1).ravel()
