"""What autograd finds when one map slides out of a picture: a filter's output, or a pooling layer's."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindowPass:
    """One output map between forward and backward pass, in float64.

    Attributes:
        output: (H', W').
        image: dL/d image through this map alone, shaped like the image.
        weight: dL/d weight, (C', kH, kW), and bias: dL/d bias, (1,); None for pooling.
    """

    output: Array
    image: Array
    weight: Array | None = None
    bias: Array | None = None


def conv_pass(
    image: ArrayLike,
    weight: ArrayLike,
    bias: float,
    upstream: ArrayLike | None = None,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    first_channel: int = 0,
    flip: bool = False,
) -> WindowPass:
    """Let autograd go through one filter of a convolution.

    Args:
        image: (C, H, W).
        weight: (C', kH, kW): it sees C' channels from `first_channel` on.
        bias: Of this filter.
        upstream: dL/d output, (H', W'); every cell 1 if None: then L is the sum of the output.
        stride, dilation: For rows and columns.
        padding: Zeros at the top, left, bottom and right.
        first_channel: Where the group of this filter begins.
        flip: Convolution as in mathematics, with the kernel turned by 180°.
    """
    pixels, kernel, offset = (_leaf(values) for values in (image, weight, [bias]))
    seen = pixels[first_channel : first_channel + kernel.shape[0]]
    top, left, bottom, right = padding
    padded = functional.pad(seen, (left, right, top, bottom))[None]
    lying = kernel.flip(1, 2) if flip else kernel
    output = functional.conv2d(padded, lying[None], offset, stride, 0, dilation)[0, 0]
    return WindowPass(_array(output), *_back(output, upstream, pixels, kernel, offset))


def pool_pass(
    image: ArrayLike,
    upstream: ArrayLike,
    *,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    mode: Literal["max", "avg"] = "max",
) -> WindowPass:
    """Let autograd go through the pooling of one map (H, W), under an upstream gradient (H', W')."""
    pixels = _leaf(image)
    pool = functional.max_pool2d if mode == "max" else functional.avg_pool2d
    output = pool(pixels[None], kernel_size, stride, padding)[0]
    return WindowPass(_array(output), *_back(output, upstream, pixels))


def _leaf(values: ArrayLike) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=True)


def _back(output: Tensor, upstream: ArrayLike | None, *leaves: Tensor) -> list[Array]:
    above = torch.ones_like(output) if upstream is None else torch.tensor(np.asarray(upstream), dtype=torch.float64)
    return [_array(each) for each in torch.autograd.grad(output, leaves, above)]


def _array(tensor: Tensor) -> Array:
    return tensor.detach().numpy().copy()
