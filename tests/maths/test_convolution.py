"""Convolution by hand is torch's convolution, and its gradients are autograd's."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.convolution import conv2d_backward, conv2d_forward


def cases(count: int) -> list[tuple[tuple[int, ...], tuple[int, ...], dict[str, object]]]:
    """Return random shapes and settings under which at least one window fits."""
    random = np.random.default_rng(7)
    found: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, object]]] = []
    while len(found) < count:
        groups = int(random.integers(1, 4))
        height, width, down, right = (int(number) for number in random.integers([1, 1, 1, 1], [10, 10, 5, 5]))
        stride, padding, dilation = (
            (int(low), int(high)) for low, high in random.integers([[1], [0], [1]], [[4], [4], [4]], (3, 2))
        )
        if random.random() < 0.25:
            stride, padding = (1, 1), "same"
        elif (
            min(height + 2 * padding[0] - dilation[0] * (down - 1), width + 2 * padding[1] - dilation[1] * (right - 1))
            < 1
        ):
            continue
        images = (int(random.integers(1, 4)), groups * int(random.integers(1, 4)), height, width)
        weight = (groups * int(random.integers(1, 4)), images[1] // groups, down, right)
        found.append((images, weight, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}))
    return found


def agrees(images, weight, settings, flip: bool = False) -> None:
    """Assert that maps and gradients are those of torch in float64."""
    random = torch.Generator().manual_seed(1)
    leaves = [
        torch.randn(*shape, dtype=torch.float64, generator=random, requires_grad=True)
        for shape in (images, weight, weight[:1])
    ]
    kernels = leaves[1].flip(2, 3) if flip else leaves[1]
    maps = functional.conv2d(leaves[0], kernels, leaves[2], **settings)
    upstream = torch.randn(maps.shape, dtype=torch.float64, generator=random)
    maps.backward(upstream)
    values = [leaf.detach() for leaf in leaves]
    ours = conv2d_forward(*values, **settings, flip=flip)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, maps.detach(), rtol=1e-9, atol=1e-12)
    below = conv2d_backward(upstream, values[0], values[1], **settings, flip=flip)
    for mine, leaf in zip((below.images, below.weight, below.bias), leaves, strict=True):
        np.testing.assert_allclose(mine, leaf.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("images", "weight", "settings"), cases(60))
def test_maps_and_gradients_are_those_of_autograd(images, weight, settings):
    agrees(images, weight, settings)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(2, 2), (4, 3), (1, 2)])
def test_same_padding_is_as_lopsided_as_that_of_torch(kernel, dilation: int, flip: bool):
    agrees((2, 4, 6, 5), (6, 2, *kernel), {"padding": "same", "dilation": dilation, "groups": 2}, flip)


def test_flipped_is_the_convolution_of_mathematics_and_the_other_is_correlation():
    random = np.random.default_rng(4)
    image, kernel = random.normal(size=(6, 7)), random.normal(size=(3, 2))
    ours = conv2d_forward(image[None, None], kernel[None, None], flip=True)[0, 0]
    np.testing.assert_allclose(ours, convolve2d(image, kernel, "valid"), rtol=1e-12)
    ours = conv2d_forward(image[None, None], kernel[None, None])[0, 0]
    np.testing.assert_allclose(ours, correlate2d(image, kernel, "valid"), rtol=1e-12)


def test_a_toy_by_hand():
    image = [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
    kernel = [[[[1, 0], [0, -1]]]]
    assert conv2d_forward(image, kernel, [0.5]).tolist() == [[[[-3.5, -3.5], [-3.5, -3.5]]]]
    below = conv2d_backward([[[[1, 2], [0, -1]]]], image, kernel)
    assert below.weight.tolist() == [[[[1 + 4 - 5, 2 + 6 - 6], [4 + 10 - 8, 5 + 12 - 9]]]]
    assert below.images.tolist() == [[[[1, 2, 0], [0, -2, -2], [0, 0, 1]]]]
    assert below.bias.tolist() == [2]


def test_two_channels_with_stride_and_padding_by_hand():
    images = [[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]]
    weight = [[[[1, 1], [1, 1]], [[0, 0], [0, 1]]]]
    # each window of side 2, two cells apart, holds exactly one cell of the padded map
    assert conv2d_forward(images, weight, [100], stride=2, padding=1).tolist() == [[[[111, 102], [103, 104]]]]


def test_the_gradient_at_the_image_is_the_full_convolution_with_the_turned_kernel():
    random = np.random.default_rng(5)
    image, kernel, upstream = (random.normal(size=shape) for shape in ((5, 6), (3, 2), (3, 5)))
    below = conv2d_backward(upstream[None, None], image[None, None], kernel[None, None])
    np.testing.assert_allclose(below.images[0, 0], convolve2d(upstream, kernel, "full"), rtol=1e-12)
    np.testing.assert_allclose(below.weight[0, 0], correlate2d(image, upstream, "valid"), rtol=1e-12)


def test_not_a_number_stays_in_the_windows_that_see_it():
    image = np.zeros((1, 1, 5, 5))
    image[0, 0, 0, 0] = np.nan
    maps = conv2d_forward(image, np.ones((1, 1, 3, 3)))
    assert np.isnan(maps).sum() == 1
    assert np.isnan(maps[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("images", "weight", "settings", "sentence"),
    [
        ((1, 3, 5, 5), (2, 2, 3, 3), {}, "look at 2 channels"),
        ((1, 3, 5, 5), (2, 3, 3, 3), {"groups": 2}, "groups=2 must divide"),
        ((1, 3, 5, 5), (2, 3, 3, 3), {"groups": 0}, "groups=0 must divide"),
        ((1, 1, 3, 3), (1, 1, 7, 7), {}, "larger than the map"),
        ((1, 1, 3, 3), (1, 1, 2, 2), {"padding": -1}, "padding must be at least 0"),
        ((1, 3, 3), (1, 1, 2, 2), {}, "images must have 4 dimensions"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(images, weight, settings, sentence: str):
    with pytest.raises(ConvScopeError, match=sentence):
        conv2d_forward(np.zeros(images), np.zeros(weight), **settings)


def test_a_bias_or_gradient_of_another_shape_gets_a_sentence():
    images, weight = np.zeros((1, 1, 3, 3)), np.zeros((2, 1, 2, 2))
    with pytest.raises(ConvScopeError, match=r"bias must have the shape \(2,\), not \(1,\)"):
        conv2d_forward(images, weight, [0])
    with pytest.raises(ConvScopeError, match="upstream gradient must have the shape"):
        conv2d_backward(np.zeros((1, 2, 3, 3)), images, weight)
