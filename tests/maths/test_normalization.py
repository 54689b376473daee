"""Batch norm and dropout by hand are torch's, and their gradients are autograd's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.normalization import (
    batch_moments,
    batch_norm_backward,
    batch_norm_forward,
    dropout_backward,
    dropout_forward,
)


@pytest.mark.parametrize("evaluated", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 5, 6), (1, 2, 2, 3), (2, 1)])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_values_and_gradients_are_those_of_autograd(shape: tuple[int, ...], evaluated: bool, eps: float):
    random = torch.Generator().manual_seed(1)
    leaves = [
        torch.randn(*size, dtype=torch.float64, generator=random, requires_grad=True)
        for size in (shape, shape[1:2], shape[1:2])
    ]
    mean = torch.randn(shape[1], dtype=torch.float64, generator=random)
    running = {"running_mean": mean, "running_var": mean**2 + 0.1} if evaluated else {}
    outputs = functional.batch_norm(
        leaves[0],
        running.get("running_mean"),
        running.get("running_var"),
        leaves[1],
        leaves[2],
        training=not evaluated,
        eps=eps,
    )
    upstream = torch.randn(shape, dtype=torch.float64, generator=random)
    outputs.backward(upstream)
    values = [leaf.detach() for leaf in leaves]
    np.testing.assert_allclose(batch_norm_forward(*values, eps=eps, **running), outputs.detach(), rtol=1e-9, atol=1e-12)
    below = batch_norm_backward(upstream, values[0], values[1], eps=eps, **running)
    for mine, leaf in zip((below.inputs, below.weight, below.bias), leaves, strict=True):
        np.testing.assert_allclose(mine, leaf.grad, rtol=1e-9, atol=1e-12)


def test_a_toy_by_hand():
    inputs = [[1, 10], [3, 10], [5, 40]]
    mean, variance = batch_moments(inputs)
    assert mean.tolist() == [3, 20]
    np.testing.assert_allclose(variance, [8 / 3, 200], rtol=1e-15)
    outputs = batch_norm_forward(inputs, [2, 1], [0, 5], eps=0)
    np.testing.assert_allclose(
        outputs, [[-(6**0.5), 5 - 0.5**0.5], [0, 5 - 0.5**0.5], [6**0.5, 5 + 2**0.5]], rtol=1e-12
    )
    # the same shift for a whole channel changes nothing, so an even gradient from above comes to nothing
    below = batch_norm_backward(np.ones((3, 2)), inputs, [2, 1], eps=0)
    np.testing.assert_allclose(below.inputs, np.zeros((3, 2)), atol=1e-15)
    assert below.bias.tolist() == [3, 3]


def test_a_batch_comes_out_at_mean_zero_and_deviation_one():
    images = np.random.default_rng(1).normal(5, 3, (4, 3, 6, 6))
    outputs = batch_norm_forward(images, np.ones(3), np.zeros(3), eps=0)
    np.testing.assert_allclose(outputs.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(outputs.std(axis=(0, 2, 3)), 1, rtol=1e-12)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.95])
def test_dropout_is_that_of_torch(p: float):
    inputs = torch.randn(4, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    torch.manual_seed(2)
    outputs = functional.dropout(inputs, p)
    mask = outputs.detach() != 0
    upstream = torch.randn(inputs.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    outputs.backward(upstream)
    np.testing.assert_allclose(dropout_forward(inputs.detach(), mask, p), outputs.detach(), rtol=1e-12)
    np.testing.assert_allclose(dropout_backward(upstream, mask, p), inputs.grad, rtol=1e-12)


def test_dropout_by_hand():
    assert dropout_forward([1, 2, 3, 4], [True, False, True, False], 0.5).tolist() == [2, 0, 6, 0]
    assert dropout_backward([1, 1, -1, 1], [1, 0, 1, 0], 0.75).tolist() == [4, 0, -4, 0]


def test_what_does_not_fit_gets_a_sentence():
    one, two = np.zeros(1), np.zeros(2)
    with pytest.raises(ConvScopeError, match="more than one number in each channel"):
        batch_norm_forward(np.zeros((1, 2)), two, two)
    with pytest.raises(ConvScopeError, match="belong together"):
        batch_norm_forward(np.zeros((3, 2)), two, two, running_mean=two)
    with pytest.raises(ConvScopeError, match="weight must have the shape"):
        batch_norm_forward(np.zeros((3, 2)), one, two)
    with pytest.raises(ConvScopeError, match="running_var must have the shape"):
        batch_norm_forward(np.zeros((3, 2)), two, two, running_mean=two, running_var=one)
    with pytest.raises(ConvScopeError, match="upstream gradient must have the shape"):
        batch_norm_backward(np.zeros((3, 1)), np.zeros((3, 2)), two)
    with pytest.raises(ConvScopeError, match="share dropped must be from 0 to below 1, not 1"):
        dropout_forward(two, two, 1)
    with pytest.raises(ConvScopeError, match="mask must have the shape"):
        dropout_forward(two, one, 0.5)
