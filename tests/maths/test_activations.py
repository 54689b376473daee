"""Activations by hand are those that networks are built with, and their slopes are autograd's."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.activations import ACTIVATIONS, ELSEWHERE, activation_backward, activation_forward
from core.model import layers


def test_names_and_titles_are_those_of_the_layers():
    assert {name: function.title for name, function in ACTIVATIONS.items()} == layers.ACTIVATIONS


@pytest.mark.parametrize("name", [*ACTIVATIONS, *ELSEWHERE])
def test_values_and_gradients_are_those_of_autograd(name: str):
    random = torch.Generator().manual_seed(1)
    inputs = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=random) * 3
    inputs[0, 0] = 0.0  # the kink
    inputs.requires_grad_()
    upstream = torch.randn(inputs.shape, dtype=torch.float64, generator=random)
    inputs.requires_grad_(False)
    inputs[1, 0, :2] *= 4  # beyond where the last of them bends
    inputs.requires_grad_()
    outputs = getattr(functional, name)(inputs)
    outputs.backward(upstream)
    values = inputs.detach()
    np.testing.assert_allclose(activation_forward(name, values), outputs.detach(), rtol=1e-9, atol=1e-12)
    exact = 1e-7 if name == "hardsigmoid" else 1e-9  # torch has its 1/6 in single precision
    np.testing.assert_allclose(activation_backward(name, upstream, values), inputs.grad, rtol=exact, atol=1e-12)


@pytest.mark.parametrize("name", [*ACTIVATIONS, *ELSEWHERE])
@pytest.mark.filterwarnings("error")
def test_huge_numbers_and_none_at_all_are_no_trouble(name: str):
    ends = activation_forward(name, [-1000.0, 1000.0])
    assert np.isfinite(ends).all()
    assert np.isfinite(activation_backward(name, [1.0, 1.0], [-1000.0, 1000.0])).all()
    assert np.isnan(activation_forward(name, [np.nan])).all()
    assert activation_forward(name, np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("relu", [0, 0, 2], [0, 0, 1]),
        ("leaky_relu", [-0.02, 0, 2], [0.01, 0.01, 1]),
        ("sigmoid", [1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-2))], [0.1049935854, 0.25, 0.1049935854]),
        ("tanh", [-0.9640275801, 0, 0.9640275801], [0.0706508249, 1, 0.0706508249]),
        (
            "gelu",
            [-0.0455002639, 0, 1.9544997361],
            [0.0227501319 - 2 * 0.0539909665, 0.5, 0.9772498681 + 2 * 0.0539909665],
        ),
        ("silu", [-0.2384058440, 0, 1.7615941560], [-0.0907842488, 0.5, 1.0907842488]),
    ],
)
def test_at_minus_two_zero_and_two_by_hand(name: str, values: list[float], slopes: list[float]):
    np.testing.assert_allclose(activation_forward(name, [-2, 0, 2]), values, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(activation_backward(name, [1, 1, 1], [-2, 0, 2]), slopes, rtol=1e-8, atol=1e-10)


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(ConvScopeError, match="no activation 'swish': choose one of relu, leaky_relu"):
        activation_forward("swish", [1.0])
    with pytest.raises(ConvScopeError, match="upstream gradient must have the shape"):
        activation_backward("relu", [1.0], [1.0, 2.0])


def test_the_slope_of_a_leaky_relu_is_that_of_the_layer():
    values, upstream = np.linspace(-2, 2, 9), np.arange(9.0)
    inputs = torch.tensor(values, requires_grad=True)
    outputs = torch.nn.functional.leaky_relu(inputs, 0.3)
    outputs.backward(torch.tensor(upstream))
    np.testing.assert_allclose(activation_forward("leaky_relu", values, 0.3), outputs.detach(), rtol=1e-12)
    np.testing.assert_allclose(activation_backward("leaky_relu", upstream, values, 0.3), inputs.grad, rtol=1e-12)
