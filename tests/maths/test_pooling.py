"""Pooling by hand is torch's pooling, and its gradients are autograd's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.pooling import MODES, pool2d_backward, pool2d_forward

POOLS = {"max": functional.max_pool2d, "avg": functional.avg_pool2d}
GEOMETRIES = [
    (2, None, 0),
    (3, 2, 1),
    (3, 1, 1),
    (2, 3, 0),
    ((4, 3), (1, 2), (2, 1)),
    ((1, 5), (2, 1), (0, 2)),
    (7, 4, 3),
]


def test_every_mode_has_its_oracle():
    assert set(MODES) == set(POOLS)


@pytest.mark.parametrize("values", ["different", "many equal"])
@pytest.mark.parametrize("mode", POOLS)
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), GEOMETRIES)
def test_maps_and_gradients_are_those_of_autograd(kernel_size, stride, padding, mode: str, values: str):
    random = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 9, 8, dtype=torch.float64, generator=random)
    if values == "many equal":
        images = images.sign().clamp(min=0)
    images.requires_grad_()
    maps = POOLS[mode](images, kernel_size, stride, padding)
    upstream = torch.randn(maps.shape, dtype=torch.float64, generator=random)
    maps.backward(upstream)
    pixels = images.detach()
    ours = pool2d_forward(pixels, kernel_size, stride=stride, padding=padding, mode=mode)
    np.testing.assert_allclose(ours, maps.detach(), rtol=1e-9, atol=1e-12)
    below = pool2d_backward(upstream, pixels, kernel_size, stride=stride, padding=padding, mode=mode)
    np.testing.assert_allclose(below, images.grad, rtol=1e-9, atol=1e-12)


def test_a_toy_by_hand():
    image = [[[[1, 5, 2], [5, 0, 3], [4, 9, 9]]]]
    assert pool2d_forward(image, 2, stride=1).tolist() == [[[[5, 5], [9, 9]]]]
    # the tie in the first window goes to the 5 above; both lower windows choose the same 9 or the first of two
    below = pool2d_backward([[[[1, 2], [3, 4]]]], image, 2, stride=1)
    assert below.tolist() == [[[[0, 3, 0], [0, 0, 0], [0, 7, 0]]]]
    assert pool2d_forward(image, 2, stride=1, mode="avg").tolist() == [[[[2.75, 2.5], [4.5, 5.25]]]]
    below = pool2d_backward([[[[4, 8], [12, 16]]]], image, 2, stride=1, mode="avg")
    assert below.tolist() == [[[[1, 3, 2], [4, 10, 6], [3, 7, 4]]]]


@pytest.mark.parametrize("mode", POOLS)
def test_the_gradient_is_routed_and_never_made_or_lost(mode: str):
    random = np.random.default_rng(2)
    images, upstream = random.normal(size=(2, 3, 6, 8)), random.normal(size=(2, 3, 3, 4))
    below = pool2d_backward(upstream, images, 2, mode=mode)
    np.testing.assert_allclose(below.sum(axis=(2, 3)), upstream.sum(axis=(2, 3)), rtol=1e-12)


def test_not_a_number_spoils_its_window_only():
    image = np.arange(16.0).reshape(1, 1, 4, 4)
    image[0, 0, 1, 1] = np.nan
    for mode in MODES:
        assert np.isnan(pool2d_forward(image, 2, mode=mode)).tolist() == [[[[True, False], [False, False]]]]


@pytest.mark.parametrize(
    ("kernel_size", "settings", "sentence"),
    [
        (5, {}, "larger than the map"),
        (2, {"padding": 2}, "at most half"),
        (2, {"mode": "min"}, "modes max and avg, not 'min'"),
        (2, {"stride": 0}, "stride must be at least 1"),
        (0, {}, "kernel_size must be at least 1"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(kernel_size: int, settings, sentence: str):
    with pytest.raises(ConvScopeError, match=sentence):
        pool2d_forward(np.zeros((1, 1, 4, 4)), kernel_size, **settings)


def test_a_gradient_of_another_shape_gets_a_sentence():
    with pytest.raises(ConvScopeError, match="upstream gradient must have the shape"):
        pool2d_backward(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 4, 4)), 2)
