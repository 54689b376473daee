"""Dense layer, forward and backward pass, in NumPy."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from core.maths.arrays import Floats, floats, require_shape


@dataclass(frozen=True, eq=False)
class DenseGradients:
    """Gradients of the loss with respect to a dense layer's inputs, weight and bias.

    Attributes:
        inputs: (N, F); the upstream gradient times the weights.
        weight: (O, F); the sum over images of upstream × input.
        bias: (O,); the sum over images of the upstream gradient.
    """

    inputs: Floats
    weight: Floats
    bias: Floats


def dense_forward(inputs: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Floats:
    """Return inputs · weightᵀ + bias, (N, O) (`torch.nn.functional.linear`).

    Args:
        inputs: (N, F).
        weight: (O, F).
        bias: (O,); zeros where left out.

    Raises:
        ConvScopeError: The shapes do not fit each other.
    """
    values, weights = _checked(inputs, weight)
    sums = values @ weights.T
    if bias is None:
        return sums
    shift = floats(bias, "bias", 1)
    require_shape(shift, weights.shape[:1], "bias")
    return sums + shift


def dense_backward(upstream: ArrayLike, inputs: ArrayLike, weight: ArrayLike) -> DenseGradients:
    """Return the gradients at inputs, weight and bias, given the upstream gradient.

    Args:
        upstream: dL/d output, (N, O).
        inputs, weight: As in `dense_forward`.

    Raises:
        ConvScopeError: The shapes do not fit each other.
    """
    values, weights = _checked(inputs, weight)
    above = floats(upstream, "upstream gradient", 2)
    require_shape(above, (len(values), len(weights)), "upstream gradient")
    return DenseGradients(above @ weights, above.T @ values, above.sum(axis=0))


def _checked(inputs: ArrayLike, weight: ArrayLike) -> tuple[Floats, Floats]:
    values, weights = floats(inputs, "inputs", 2), floats(weight, "weight", 2)
    require_shape(weights, (len(weights), values.shape[1]), "weight")
    return values, weights
