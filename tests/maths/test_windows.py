"""Windows lie where torch's convolution and pooling look, and say in numbers why none fits."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ConvScopeError
from core.maths.windows import Axis, out_size, pair, patches, slide, spread

IMAGE = np.arange(12.0).reshape(1, 1, 3, 4)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 2, 2), (1, 3, 3)])
def test_sizes_are_those_of_torch(size: int, kernel: int, stride: int, padding: int, dilation: int):
    image, weight = torch.zeros(1, 1, size, 1), torch.zeros(1, 1, kernel, 1)
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        with pytest.raises(ConvScopeError, match="larger than the map"):
            out_size(size, kernel, stride, padding, dilation)
    else:
        theirs = functional.conv2d(image, weight, None, (stride, 1), (padding, 0), (dilation, 1))
        assert out_size(size, kernel, stride, padding, dilation) == theirs.shape[2]


def test_the_error_holds_the_formula_with_its_numbers():
    with pytest.raises(ConvScopeError) as error:
        out_size(3, 7, 2, 1, 1)
    assert "⌊(3 + 2·1 − 1·(7 − 1) − 1) / 2⌋ + 1 = 0" in str(error.value)
    with pytest.raises(ConvScopeError) as error:
        out_size(3, 4, 1, (1, 2), 3)
    assert "⌊(3 + 1 + 2 − 3·(4 − 1) − 1) / 1⌋ + 1 = -3" in str(error.value)


def test_positions_count_from_the_first_cell_before_the_border():
    assert Axis(5, 3, stride=2, before=1, after=1, dilation=1).positions().tolist() == [
        [-1, 0, 1],
        [1, 2, 3],
        [3, 4, 5],
    ]
    assert Axis(5, 2, stride=1, dilation=3).positions().tolist() == [[0, 3], [1, 4]]


@pytest.mark.parametrize(
    ("kernel", "dilation", "before", "after"), [(3, 1, 1, 1), (2, 1, 0, 1), (4, 1, 1, 2), (2, 3, 1, 2)]
)
def test_same_keeps_the_size_and_puts_the_odd_cell_behind(kernel: int, dilation: int, before: int, after: int):
    rows = slide((6, 9), kernel, padding="same", dilation=dilation).rows
    assert (rows.before, rows.after, rows.count) == (before, after, 6)


def test_patches_by_hand():
    seen = patches(IMAGE, slide((3, 4), 2, stride=2, padding=1), fill=-1)
    assert seen.shape == (1, 1, 2, 3, 2, 2)
    assert seen[0, 0, 0, 0].tolist() == [[-1, -1], [-1, 0]]
    assert seen[0, 0, 1, 1].tolist() == [[5, 6], [9, 10]]
    assert seen[0, 0, 1, 2].tolist() == [[7, -1], [11, -1]]


def test_patches_see_what_positions_say():
    windows = slide((3, 4), (2, 3), stride=(1, 2), padding=(1, 2), dilation=(2, 1))
    seen, rows, cols = patches(IMAGE, windows, fill=-1), windows.rows.positions(), windows.cols.positions()
    padded = np.pad(IMAGE[0, 0], ((1, 1), (2, 2)), constant_values=-1)
    for row, col in np.ndindex(len(rows), len(cols)):
        assert np.array_equal(seen[0, 0, row, col], padded[np.ix_(rows[row] + 1, cols[col] + 2)])


def test_spread_counts_the_windows_that_share_a_cell():
    windows = slide((3, 4), 2)
    shared = spread(np.ones((1, 1, 2, 3, 2, 2)), windows)
    assert shared[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize("value", [0, (1, 0), 1.5, (1, 2, 3), "3", None])
def test_a_setting_out_of_range_gets_a_sentence(value: object):
    with pytest.raises(ConvScopeError, match="stride must be"):
        pair(value, "stride", 1)  # type: ignore[arg-type]


def test_same_is_refused_with_a_stride_and_other_words_altogether():
    with pytest.raises(ConvScopeError, match="needs stride 1"):
        slide((5, 5), 3, stride=2, padding="same")
    with pytest.raises(ConvScopeError, match="'same', not 'valid'"):
        slide((5, 5), 3, padding="valid")
