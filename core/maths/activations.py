"""Activation functions and their derivatives, by name, with their formulas."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats, require_shape

LEAK = 0.01
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class ActivationFunction:
    """An elementwise function with its derivative and formulas.

    Attributes:
        title: What it is called on screen.
        formula: f(x) in LaTeX.
        derivative: f′(x) in LaTeX.
        value, slope: The same two for arrays; at a kink the slope is the one that torch takes, that of the left.
    """

    title: str
    formula: str
    derivative: str
    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))  # exp(−x) itself would overflow far below zero
    return np.where(x < 0, small, 1.0) / (1.0 + small)


def _sigmoid_slope(x: Floats) -> Floats:
    return _sigmoid(x) * _sigmoid(-x)


def _normal_share(x: Floats) -> Floats:
    return 0.5 * (1.0 + _erf(x / math.sqrt(2.0)))


def _normal_density(x: Floats) -> Floats:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


ACTIVATIONS = {
    "relu": ActivationFunction(
        "ReLU",
        r"\max(0, x)",
        r"\begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}",
        lambda x: np.where(x <= 0, 0.0, x),
        lambda x: np.where(x <= 0, 0.0, 1.0),
    ),
    "leaky_relu": ActivationFunction(
        "Leaky ReLU",
        r"\begin{cases} x & x > 0 \\ 0.01\,x & x \le 0 \end{cases}",
        r"\begin{cases} 1 & x > 0 \\ 0.01 & x \le 0 \end{cases}",
        lambda x: np.where(x > 0, x, LEAK * x),
        lambda x: np.where(x > 0, 1.0, LEAK),
    ),
    "sigmoid": ActivationFunction(
        "Sigmoid",
        r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        r"\sigma(x)\,\bigl(1 - \sigma(x)\bigr)",
        _sigmoid,
        _sigmoid_slope,
    ),
    "tanh": ActivationFunction(
        "Tanh",
        r"\tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}",
        r"1 - \tanh^2(x)",
        np.tanh,
        lambda x: 1.0 - np.tanh(x) ** 2,
    ),
    "gelu": ActivationFunction(
        "GELU",
        r"x\,\Phi(x), \quad \Phi(x) = \tfrac{1}{2}\Bigl(1 + \operatorname{erf}\bigl(x / \sqrt{2}\bigr)\Bigr)",
        r"\Phi(x) + x\,\varphi(x), \quad \varphi(x) = \frac{e^{-x^2 / 2}}{\sqrt{2\pi}}",
        lambda x: x * _normal_share(x),
        lambda x: _normal_share(x) + x * _normal_density(x),
    ),
    "silu": ActivationFunction(
        "SiLU",
        r"x\,\sigma(x) = \frac{x}{1 + e^{-x}}",
        r"\sigma(x)\,\bigl(1 + x\,(1 - \sigma(x))\bigr)",
        lambda x: x * _sigmoid(x),
        lambda x: _sigmoid(x) * (1.0 + x * _sigmoid(-x)),
    ),
}


# What networks of the zoo have besides; ours are not built with them.
ELSEWHERE = {
    "relu6": ActivationFunction(
        "ReLU6",
        r"\min(\max(0, x), 6)",
        r"\begin{cases} 1 & 0 < x < 6 \\ 0 & \text{else} \end{cases}",
        lambda x: np.clip(x, 0.0, 6.0),
        lambda x: np.where((x > 0) & (x < 6), 1.0, 0.0),
    ),
    "hardsigmoid": ActivationFunction(
        "Hard sigmoid",
        r"\min(\max(0, (x + 3) / 6), 1)",
        r"\begin{cases} 1/6 & -3 < x < 3 \\ 0 & \text{else} \end{cases}",
        lambda x: np.clip((x + 3.0) / 6.0, 0.0, 1.0),
        lambda x: np.where((x > -3) & (x < 3), 1.0 / 6.0, 0.0),
    ),
    "hardswish": ActivationFunction(
        "Hard swish",
        r"x \cdot \min(\max(0, (x + 3) / 6), 1)",
        r"\begin{cases} 0 & x \le -3 \\ (2x + 3) / 6 & -3 < x < 3 \\ 1 & x \ge 3 \end{cases}",
        lambda x: x * np.clip((x + 3.0) / 6.0, 0.0, 1.0),
        lambda x: np.where(x <= -3, 0.0, np.where(x < 3, (2.0 * x + 3.0) / 6.0, 1.0)),
    ),
}


def activation_forward(name: str, inputs: ArrayLike, negative_slope: float = LEAK) -> Floats:
    """Return f(input) for every number, in the inputs' shape (the functions of `torch.nn.functional`).

    Args:
        name: A name in `ACTIVATIONS` or `ELSEWHERE`; GELU is the exact one (Hendrycks & Gimpel 2016).
        inputs: Any shape.
        negative_slope: That of the leaky ReLU below 0.

    Raises:
        ConvScopeError: The name is unknown.
    """
    values = floats(inputs, "inputs")
    return np.where(values > 0, values, negative_slope * values) if _leaks(name) else _function(name).value(values)


def activation_backward(name: str, upstream: ArrayLike, inputs: ArrayLike, negative_slope: float = LEAK) -> Floats:
    """Return upstream × f′(input), the gradient at the inputs, in their shape.

    Args:
        name: A name in `ACTIVATIONS` or `ELSEWHERE`.
        upstream: dL/d output, shaped like the inputs.
        inputs: What went into the function.
        negative_slope: That of the leaky ReLU below 0.

    Raises:
        ConvScopeError: The name is unknown, or the shapes differ.
    """
    values, above = floats(inputs, "inputs"), floats(upstream, "upstream gradient")
    require_shape(above, values.shape, "upstream gradient")
    return above * (np.where(values > 0, 1.0, negative_slope) if _leaks(name) else _function(name).slope(values))


def _leaks(name: str) -> bool:
    return name == "leaky_relu"


def _function(name: str) -> ActivationFunction:
    functions = ACTIVATIONS | ELSEWHERE
    if name not in functions:
        raise ConvScopeError(f"There is no activation {name!r}: choose one of {', '.join(functions)}.")
    return functions[name]
