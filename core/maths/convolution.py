"""Two-dimensional convolution, forward and backward pass, in NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats, require_shape
from core.maths.unrolled import col2im, im2col
from core.maths.windows import Pair, slide


@dataclass(frozen=True, eq=False)
class ConvGradients:
    """Gradients of the loss with respect to a convolution's images, weight and bias.

    Attributes:
        images: (N, C, H, W); for stride 1 the full convolution of the upstream gradient with the turned kernel.
        weight: (O, C/groups, kH, kW); the sum over all positions of upstream × input.
        bias: (O,); the sum of the upstream gradient over images and positions.
    """

    images: Floats
    weight: Floats
    bias: Floats


def conv2d_forward(
    images: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
    flip: bool = False,
) -> Floats:
    """Return the maps (N, O, H', W') that a convolution makes (`torch.nn.functional.conv2d`).

    Args:
        images: (N, C, H, W).
        weight: One filter for each output channel, (O, C/groups, kH, kW).
        bias: (O,); zeros where left out.
        stride, dilation: A number, or one for rows and one for columns.
        padding: The same, or "same", which keeps the size (stride 1 only; the odd zero at the bottom and right).
        groups: Into how many separate sets the channels are dealt.
        flip: Convolution as in mathematics, with each kernel turned by 180°; networks use cross-correlation.

    Raises:
        ConvScopeError: Shapes do not fit each other, the kernel does not fit the map, or a setting is out of range.
    """
    values, kernels = _checked(images, weight, groups)
    size, filters = (kernels.shape[2], kernels.shape[3]), kernels.shape[0]
    windows = slide(values.shape[2:], size, stride=stride, padding=padding, dilation=dilation)
    columns = im2col(values, size, stride=stride, padding=padding, dilation=dilation)
    maps = _rows(kernels, groups, flip) @ columns.reshape(len(values), groups, -1, columns.shape[2])
    maps = maps.reshape(len(values), filters, windows.rows.count, windows.cols.count)
    if bias is None:
        return maps
    shift = floats(bias, "bias", 1)
    require_shape(shift, (filters,), "bias")
    return maps + shift[:, None, None]


def conv2d_backward(
    upstream: ArrayLike,
    images: ArrayLike,
    weight: ArrayLike,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
    flip: bool = False,
) -> ConvGradients:
    """Return the gradients at images, weight and bias, given the upstream gradient.

    Args:
        upstream: dL/d output, (N, O, H', W').
        images, weight, stride, padding, dilation, groups, flip: As in `conv2d_forward`.

    Raises:
        ConvScopeError: As in `conv2d_forward`, and where `upstream` does not have the output's shape.
    """
    above = floats(upstream, "upstream gradient", 4)
    values, kernels = _checked(images, weight, groups)
    size, filters = (kernels.shape[2], kernels.shape[3]), kernels.shape[0]
    windows = slide(values.shape[2:], size, stride=stride, padding=padding, dilation=dilation)
    require_shape(above, (len(values), filters, windows.rows.count, windows.cols.count), "upstream gradient")
    flat = above.reshape(len(values), groups, filters // groups, -1)
    columns = im2col(values, size, stride=stride, padding=padding, dilation=dilation)
    columns = columns.reshape(len(values), groups, -1, columns.shape[2])
    weights = (flat @ columns.swapaxes(2, 3)).sum(axis=0).reshape(kernels.shape)
    gradients = (_rows(kernels, groups, flip).swapaxes(1, 2) @ flat).reshape(len(values), -1, columns.shape[3])
    sides = values.shape[2], values.shape[3]
    below = col2im(gradients, sides, size, stride=stride, padding=padding, dilation=dilation)
    return ConvGradients(below, _turned(weights) if flip else weights, above.sum(axis=(0, 2, 3)))


def _checked(images: ArrayLike, weight: ArrayLike, groups: int) -> tuple[Floats, Floats]:
    values, kernels = floats(images, "images", 4), floats(weight, "weight", 4)
    channels, filters = values.shape[1], kernels.shape[0]
    if groups < 1 or channels % groups or filters % groups:
        raise ConvScopeError(f"groups={groups} must divide the {channels} channels and the {filters} filters evenly.")
    if kernels.shape[1] * groups != channels:
        raise ConvScopeError(
            f"The filters look at {kernels.shape[1]} channels in {groups} group(s), but the images have {channels}."
        )
    return values, kernels


def _turned(kernels: Floats) -> Floats:
    return np.flip(kernels, axis=(2, 3))


def _rows(kernels: Floats, groups: int, flip: bool) -> Floats:
    """Return each filter as a row, group by group: (groups, O/groups, C/groups·kH·kW)."""
    return (_turned(kernels) if flip else kernels).reshape(groups, len(kernels) // groups, -1)
