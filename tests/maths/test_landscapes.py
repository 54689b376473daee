"""Slopes of the landscapes are autograd's, and the minima are where the slopes say."""

import numpy as np
import pytest
import torch

from core.maths.landscapes import LANDSCAPES
from core.maths.optimizers import OPTIMIZERS


@pytest.mark.parametrize("name", LANDSCAPES)
def test_slopes_are_those_of_autograd(name: str):
    landscape = LANDSCAPES[name]
    (left, right), (bottom, top) = landscape.bounds
    random = torch.Generator().manual_seed(1)
    points = torch.rand(4, 5, 2, dtype=torch.float64, generator=random)
    points = (points * torch.tensor([right - left, top - bottom]) + torch.tensor([left, bottom])).requires_grad_()
    x, y = points[..., 0], points[..., 1]
    heights = {
        "bowl": x**2 + y**2,
        "valley": x**2 / 2 + 25 * y**2,
        "rosenbrock": (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        "saddle": x**2 - y**2 + y**4 / 4,
        "himmelblau": (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        "beale": (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
    }[name]
    heights.sum().backward()
    places = points.detach()
    np.testing.assert_allclose(landscape.value(places), heights.detach(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(landscape.gradient(places), points.grad, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", LANDSCAPES)
def test_nothing_within_the_bounds_is_lower_than_the_minima(name: str):
    landscape = LANDSCAPES[name]
    (left, right), (bottom, top) = landscape.bounds
    grid = np.stack(np.meshgrid(np.linspace(left, right, 81), np.linspace(bottom, top, 81)), axis=-1)
    lowest = landscape.value(landscape.minima)
    assert landscape.minimum == landscape.minima[0]
    np.testing.assert_allclose(lowest, lowest[0], atol=1e-12)
    np.testing.assert_allclose(landscape.gradient(landscape.minima), 0, atol=1e-12)
    assert landscape.value(grid).min() >= lowest[0] - 1e-12
    for x, y in (*landscape.minima, landscape.start):
        assert left < x < right
        assert bottom < y < top


@pytest.mark.parametrize("name", LANDSCAPES)
def test_every_optimiser_has_a_rate_for_every_landscape(name: str):
    assert set(LANDSCAPES[name].lrs) == set(OPTIMIZERS)


def test_heights_by_hand():
    assert LANDSCAPES["rosenbrock"].value([[1, 1], [0, 0], [-1, 2]]).tolist() == [0, 1, 104]
    assert LANDSCAPES["himmelblau"].value([0, 0]) == 170
    assert LANDSCAPES["beale"].gradient([0, 1]).tolist() == [0, 0]
