"""A dense layer by hand is torch's, and its gradients are autograd's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.dense import dense_backward, dense_forward


@pytest.mark.parametrize(("count", "features", "outputs"), [(1, 1, 1), (4, 7, 3), (3, 2, 9), (1, 64, 10)])
def test_sums_and_gradients_are_those_of_autograd(count: int, features: int, outputs: int):
    random = torch.Generator().manual_seed(1)
    leaves = [
        torch.randn(*shape, dtype=torch.float64, generator=random, requires_grad=True)
        for shape in ((count, features), (outputs, features), (outputs,))
    ]
    sums = functional.linear(*leaves)
    upstream = torch.randn(sums.shape, dtype=torch.float64, generator=random)
    sums.backward(upstream)
    values = [leaf.detach() for leaf in leaves]
    np.testing.assert_allclose(dense_forward(*values), sums.detach(), rtol=1e-9, atol=1e-12)
    below = dense_backward(upstream, values[0], values[1])
    for mine, leaf in zip((below.inputs, below.weight, below.bias), leaves, strict=True):
        np.testing.assert_allclose(mine, leaf.grad, rtol=1e-9, atol=1e-12)


def test_a_toy_by_hand():
    inputs, weight = [[1, 2], [3, -1]], [[2, 0], [1, 1], [0, -3]]
    assert dense_forward(inputs, weight).tolist() == [[2, 3, -6], [6, 2, 3]]
    assert dense_forward(inputs, weight, [1, 0, -1]).tolist() == [[3, 3, -7], [7, 2, 2]]
    below = dense_backward([[1, 0, 2], [0, 1, -1]], inputs, weight)
    assert below.inputs.tolist() == [[2, -6], [1, 4]]
    assert below.weight.tolist() == [[1, 2], [3, -1], [-1, 5]]
    assert below.bias.tolist() == [1, 1, 1]


def test_shapes_that_do_not_fit_get_a_sentence():
    with pytest.raises(ConvScopeError, match=r"weight must have the shape \(4, 2\), not \(4, 3\)"):
        dense_forward(np.zeros((1, 2)), np.zeros((4, 3)))
    with pytest.raises(ConvScopeError, match="bias must have the shape"):
        dense_forward(np.zeros((1, 2)), np.zeros((4, 2)), np.zeros(3))
    with pytest.raises(ConvScopeError, match="upstream gradient must have the shape"):
        dense_backward(np.zeros((1, 3)), np.zeros((1, 2)), np.zeros((4, 2)))
    with pytest.raises(ConvScopeError, match="inputs must have 2 dimensions, not 3"):
        dense_forward(np.zeros((1, 2, 2)), np.zeros((4, 2)))
