"""im2col and col2im: convolution as one matrix product."""

from numpy.typing import ArrayLike

from core.maths.arrays import Floats, floats, require_shape
from core.maths.windows import Pair, patches, slide, spread


def im2col(
    images: ArrayLike, kernel_size: Pair, *, stride: Pair = 1, padding: Pair | str = 0, dilation: Pair = 1
) -> Floats:
    """Return the windows of images as columns, (N, C·kH·kW, H'·W'); without N where the images have none.

    A column holds one window, channel after channel in reading order; columns stand in reading order of the
    windows. Kernels written as rows times this matrix are the convolution (`torch.nn.functional.unfold`;
    Chellapilla et al. 2006).

    Args:
        images: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, dilation: See `core.maths.windows.slide`.

    Raises:
        ConvScopeError: No window fits, or a setting is out of its range.
    """
    values = floats(images, "images", 3, 4)
    if values.ndim == 3:
        return im2col(values[None], kernel_size, stride=stride, padding=padding, dilation=dilation)[0]
    windows = slide(values.shape[2:], kernel_size, stride=stride, padding=padding, dilation=dilation)
    cells = patches(values, windows)
    count, channels, down, right, height, width = cells.shape
    return cells.transpose(0, 1, 4, 5, 2, 3).reshape(count, channels * height * width, down * right)


def col2im(
    columns: ArrayLike,
    output_size: tuple[int, int],
    kernel_size: Pair,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
) -> Floats:
    """Return images (N, C, H, W) in which each cell is the sum of its copies in the columns: `im2col` the other way.

    It is the adjoint of `im2col`, not its inverse: a cell that three windows share comes back three times
    (`torch.nn.functional.fold`). Without N where the columns have none.

    Args:
        columns: (N, C·kH·kW, H'·W') or (C·kH·kW, H'·W').
        output_size: Height and width of the images.
        kernel_size, stride, padding, dilation: As in `im2col`.

    Raises:
        ConvScopeError: No window fits, a setting is out of its range, or the columns have another shape.
    """
    values = floats(columns, "columns", 2, 3)
    if values.ndim == 2:
        return col2im(values[None], output_size, kernel_size, stride=stride, padding=padding, dilation=dilation)[0]
    windows = slide(output_size, kernel_size, stride=stride, padding=padding, dilation=dilation)
    rows, cols = windows.rows, windows.cols
    count, cells = values.shape[0], rows.kernel * cols.kernel
    channels = values.shape[1] // cells
    require_shape(values, (count, channels * cells, rows.count * cols.count), "columns")
    contents = values.reshape(count, channels, rows.kernel, cols.kernel, rows.count, cols.count)
    return spread(contents.transpose(0, 1, 4, 5, 2, 3), windows)
