"""The unrolled matrix is torch's unfold, its way back is torch's fold, and kernels times it are the convolution."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.convolution import conv2d_forward
from core.maths.unrolled import col2im, im2col

GEOMETRIES = [(3, 1, 0, 1), (2, 2, 1, 1), ((3, 2), (1, 3), (2, 0), (2, 1)), (1, 2, 0, 1), ((2, 4), 1, (0, 3), (3, 2))]


@pytest.mark.parametrize(("kernel_size", "stride", "padding", "dilation"), GEOMETRIES)
def test_columns_and_their_way_back_are_those_of_torch(kernel_size, stride, padding, dilation):
    images = torch.randn(2, 3, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    columns = im2col(images, kernel_size, **settings)
    assert np.array_equal(columns, functional.unfold(images, kernel_size, **settings).numpy())
    back = functional.fold(torch.from_numpy(columns), (7, 6), kernel_size, **settings)
    np.testing.assert_allclose(col2im(columns, (7, 6), kernel_size, **settings), back, rtol=1e-12)
    assert np.array_equal(im2col(images[0], kernel_size, **settings), columns[0])
    assert np.array_equal(
        col2im(columns[1], (7, 6), kernel_size, **settings), col2im(columns, (7, 6), kernel_size, **settings)[1]
    )


def test_columns_by_hand():
    image = [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]
    assert im2col(image, 2).tolist() == [[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]]
    assert col2im(im2col(image, 2), (3, 3), 2).tolist() == [[[1, 4, 3], [8, 20, 12], [7, 16, 9]]]


def test_kernels_as_rows_times_the_matrix_are_the_convolution():
    random = np.random.default_rng(2)
    images, weight = random.normal(size=(2, 3, 6, 5)), random.normal(size=(4, 3, 3, 2))
    product = weight.reshape(4, -1) @ im2col(images, (3, 2), padding="same")
    np.testing.assert_allclose(product.reshape(2, 4, 6, 5), conv2d_forward(images, weight, padding="same"), rtol=1e-12)


def test_the_way_back_is_the_adjoint():
    random = np.random.default_rng(3)
    images, columns = random.normal(size=(2, 3, 6, 5)), random.normal(size=(2, 18, 30))
    there = (im2col(images, (3, 2), padding="same") * columns).sum()
    assert there == pytest.approx((images * col2im(columns, (6, 5), (3, 2), padding="same")).sum(), rel=1e-12)


def test_shapes_that_do_not_fit_get_a_sentence():
    with pytest.raises(ConvScopeError, match="images must have 3 or 4 dimensions, not 2"):
        im2col(np.zeros((3, 3)), 2)
    with pytest.raises(ConvScopeError, match="columns must have the shape"):
        col2im(np.zeros((4, 5)), (3, 3), 2)
    with pytest.raises(ConvScopeError, match="columns must have the shape"):
        col2im(np.zeros((5, 4)), (3, 3), 2)
