"""Batch normalisation and dropout, forward and backward pass, in NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats, require_shape


@dataclass(frozen=True, eq=False)
class NormGradients:
    """Gradients of the loss with respect to batch normalisation's inputs, weight and bias.

    Attributes:
        inputs: Shaped like the inputs; a batch's own mean and variance depend on them too, which takes away from
            each channel's gradient its mean and its part along the normalised values.
        weight: (C,); the sum of upstream × normalised value.
        bias: (C,); the sum of the upstream gradient.
    """

    inputs: Floats
    weight: Floats
    bias: Floats


def batch_moments(inputs: ArrayLike) -> tuple[Floats, Floats]:
    """Return each channel's mean and variance over the batch, (C,) both; the variance divides by the full count.

    Args:
        inputs: (N, C) or (N, C, H, W).

    Raises:
        ConvScopeError: A channel has a single number, so that there is nothing to compare it with.
    """
    values = floats(inputs, "inputs", 2, 4)
    if values.size // max(values.shape[1], 1) < 2:
        raise ConvScopeError("Batch norm needs more than one number in each channel: take a larger batch.")
    axes = _axes(values)
    return values.mean(axis=axes), values.var(axis=axes)


def batch_norm_forward(
    inputs: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    *,
    eps: float = 1e-5,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
) -> Floats:
    """Return weight · (input − mean) / √(variance + eps) + bias, channel by channel (Ioffe & Szegedy 2015).

    Args:
        inputs: (N, C) or (N, C, H, W).
        weight, bias: The learned scale and shift, (C,) both.
        eps: What keeps the root away from zero.
        running_mean, running_var: The averages kept from training, (C,) both: with them it works as when a network
            is evaluated, without them as in training, with the batch's own (`torch.nn.functional.batch_norm`).

    Raises:
        ConvScopeError: The shapes do not fit, one running value comes without the other, or a channel has a single
            number and none of the running ones.
    """
    values = floats(inputs, "inputs", 2, 4)
    normalised, _ = _normalised(values, eps, running_mean, running_var)
    return _per_channel(weight, values, "weight") * normalised + _per_channel(bias, values, "bias")


def batch_norm_backward(
    upstream: ArrayLike,
    inputs: ArrayLike,
    weight: ArrayLike,
    *,
    eps: float = 1e-5,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
) -> NormGradients:
    """Return the gradients at inputs, weight and bias, given the upstream gradient.

    Args:
        upstream: dL/d output, shaped like the inputs.
        inputs, weight, eps, running_mean, running_var: As in `batch_norm_forward`.

    Raises:
        ConvScopeError: As in `batch_norm_forward`, and where `upstream` does not have the inputs' shape.
    """
    values, above = floats(inputs, "inputs", 2, 4), floats(upstream, "upstream gradient")
    require_shape(above, values.shape, "upstream gradient")
    normalised, deviation = _normalised(values, eps, running_mean, running_var)
    axes, scale = _axes(values), _per_channel(weight, values, "weight")
    below = above
    if running_mean is None:
        along = (above * normalised).mean(axis=axes, keepdims=True)
        below = above - above.mean(axis=axes, keepdims=True) - normalised * along
    return NormGradients(scale / deviation * below, (above * normalised).sum(axis=axes), above.sum(axis=axes))


def dropout_forward(inputs: ArrayLike, mask: ArrayLike, p: float) -> Floats:
    """Return the inputs with the dropped ones at zero and the kept ones divided by 1 − p (`torch.nn.Dropout`).

    Args:
        inputs: Any shape.
        mask: True (or 1) where a number is kept, shaped like the inputs.
        p: Probability of being dropped, from 0 to below 1; the division keeps the expected sum as it was.

    Raises:
        ConvScopeError: The shapes differ, or `p` is out of its range.
    """
    values, keep = floats(inputs, "inputs"), floats(mask, "mask")
    require_shape(keep, values.shape, "mask")
    if not 0 <= p < 1:
        raise ConvScopeError(f"The share dropped must be from 0 to below 1, not {p}.")
    return values * keep / (1.0 - p)


def dropout_backward(upstream: ArrayLike, mask: ArrayLike, p: float) -> Floats:
    """Return the gradient at the inputs: upstream / (1 − p) where the input was kept, else 0.

    Args:
        upstream: dL/d output.
        mask, p: As in `dropout_forward`.

    Raises:
        ConvScopeError: As in `dropout_forward`.
    """
    return dropout_forward(upstream, mask, p)


def _axes(values: Floats) -> tuple[int, ...]:
    return (0, *range(2, values.ndim))


def _per_channel(numbers: ArrayLike, values: Floats, name: str) -> Floats:
    array = floats(numbers, name, 1)
    require_shape(array, (values.shape[1],), name)
    return array.reshape(1, -1, *(1 for _ in values.shape[2:]))


def _normalised(
    values: Floats, eps: float, running_mean: ArrayLike | None, running_var: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Return the normalised values, and the standard deviation that they were divided by."""
    if running_mean is None and running_var is None:
        mean, variance = batch_moments(values)
    elif running_mean is None or running_var is None:
        raise ConvScopeError("running_mean and running_var belong together: give both or neither.")
    else:
        mean, variance = floats(running_mean, "running_mean"), floats(running_var, "running_var")
    deviation = np.sqrt(_per_channel(variance, values, "running_var") + eps)
    return (values - _per_channel(mean, values, "running_mean")) / deviation, deviation
