"""One map that slides out of a picture: autograd and the arithmetic by hand say the same."""

import numpy as np
import pytest

from core import maths
from core.probe.autograd_reference import conv_pass, pool_pass

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("flip", [False, True])
def test_one_filter_of_a_grouped_convolution(flip: bool) -> None:
    image, weight = RANDOM.normal(size=(4, 9, 8)), RANDOM.normal(size=(2, 3, 2))
    settings = {"stride": (2, 1), "dilation": (1, 2), "flip": flip}
    seen, bias = image[None, 2:], 0.3
    output = maths.conv2d_forward(seen, weight[None], [bias], padding=(1, 2), **settings)
    upstream = RANDOM.normal(size=output.shape[2:])
    by_hand = maths.conv2d_backward(upstream[None, None], seen, weight[None], padding=(1, 2), **settings)
    found = conv_pass(image, weight, bias, upstream, padding=(1, 2, 1, 2), first_channel=2, **settings)
    np.testing.assert_allclose(found.output, output[0, 0], rtol=1e-12)
    np.testing.assert_allclose(found.image[2:], by_hand.images[0], rtol=1e-12, atol=1e-14)
    assert not found.image[:2].any()
    np.testing.assert_allclose(found.weight, by_hand.weight[0], rtol=1e-12)
    np.testing.assert_allclose(found.bias, by_hand.bias, rtol=1e-12)


def test_without_an_upstream_gradient_the_loss_is_the_sum() -> None:
    found = conv_pass(np.arange(9).reshape(1, 3, 3), np.ones((1, 2, 2)), 0.0)
    assert found.output.tolist() == [[8, 12], [20, 24]]
    assert found.image[0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert found.weight is not None and found.weight[0].tolist() == [[8, 12], [20, 24]]
    assert found.bias is not None and found.bias.tolist() == [4]


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_pooling_with_a_border(mode: str) -> None:
    image = RANDOM.normal(size=(7, 6))
    settings = {"kernel_size": (3, 2), "stride": (2, 2), "padding": (1, 1), "mode": mode}
    output = maths.pool2d_forward(image[None, None], **settings)
    upstream = RANDOM.normal(size=output.shape[2:])
    found = pool_pass(image, upstream, **settings)
    np.testing.assert_allclose(found.output, output[0, 0], rtol=1e-12)
    by_hand = maths.pool2d_backward(upstream[None, None], image[None, None], **settings)
    np.testing.assert_allclose(found.image, by_hand[0, 0], rtol=1e-12, atol=1e-15)
