"""A pooling window holds the numbers that torch's pooling sees, and names the one that comes out."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.model.layers import AvgPool, MaxPool
from core.probe.pooling import pool_window

GEOMETRIES = [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0), (5, 2, 2)]


@pytest.mark.parametrize(("kernel_size", "stride", "padding"), GEOMETRIES)
def test_results_and_winners_are_those_of_torch(kernel_size: int, stride: int, padding: int) -> None:
    before = torch.randn(9, 11, generator=torch.Generator().manual_seed(1))
    largest, places = functional.max_pool2d(before[None], kernel_size, stride, padding, return_indices=True)
    means = functional.avg_pool2d(before[None], kernel_size, stride, padding)
    for row, col in product(range(largest.shape[1]), range(largest.shape[2])):
        window = pool_window(before.numpy(), MaxPool(kernel_size, stride, padding), row, col)
        assert window.result == pytest.approx(largest[0, row, col].item())
        assert window.winner == divmod(places[0, row, col].item(), 11)
        top, left, bottom, right = window.box
        assert np.array_equal(window.values, before[top:bottom, left:right].numpy())
        assert window.values.size + window.padding == kernel_size**2
        mean = pool_window(before.numpy(), AvgPool(kernel_size, stride, padding), row, col)
        assert mean.result == pytest.approx(means[0, row, col].item(), abs=1e-6)
        assert mean.winner is None
        assert mean.box == window.box


@pytest.mark.parametrize(("row", "col"), [(-1, 0), (0, -1), (4, 0), (0, 5)])
def test_a_place_outside_gets_a_sentence(row: int, col: int) -> None:
    with pytest.raises(ConvScopeError, match="choose a place on it"):
        pool_window(np.zeros((9, 11)), MaxPool(2, 2), row, col)
