"""Max and average pooling, forward and backward pass, in NumPy."""

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats, require_shape
from core.maths.windows import Pair, Windows, pair, patches, slide, spread

MODES = {"max": "Max pooling", "avg": "Average pooling"}


def pool2d_forward(
    images: ArrayLike, kernel_size: Pair, *, stride: Pair | None = None, padding: Pair = 0, mode: str = "max"
) -> Floats:
    """Return the pooled maps (N, C, H', W') (`torch.nn.functional.max_pool2d`, `avg_pool2d`).

    Args:
        images: (N, C, H, W).
        kernel_size: Height and width of a window: one number, or one for each.
        stride: From one window to the next; the window's own size where left out.
        padding: Border around the map, at most half a window; a maximum never comes from it, a mean counts it as
            zeros.
        mode: "max" or "avg".

    Raises:
        ConvScopeError: No window fits, or a setting is out of its range.
    """
    values, windows = _windows(images, kernel_size, stride, padding, mode)
    if mode == "avg":
        return patches(values, windows).mean(axis=(4, 5))
    return patches(values, windows, fill=-np.inf).max(axis=(4, 5))


def pool2d_backward(
    upstream: ArrayLike,
    images: ArrayLike,
    kernel_size: Pair,
    *,
    stride: Pair | None = None,
    padding: Pair = 0,
    mode: str = "max",
) -> Floats:
    """Return the gradient at the images, (N, C, H, W).

    A maximum sends all of a window's gradient to the cell that won, the first in reading order where several are
    equal; a mean deals it out evenly. Cells that windows share collect from each of them.

    Args:
        upstream: dL/d output, (N, C, H', W').
        images, kernel_size, stride, padding, mode: As in `pool2d_forward`.

    Raises:
        ConvScopeError: As in `pool2d_forward`, and where `upstream` does not have the output's shape.
    """
    values, windows = _windows(images, kernel_size, stride, padding, mode)
    above = floats(upstream, "upstream gradient", 4)
    require_shape(above, (*values.shape[:2], windows.rows.count, windows.cols.count), "upstream gradient")
    cells = windows.rows.kernel * windows.cols.kernel
    if mode == "avg":
        shares = np.full(cells, 1 / cells)
    else:
        contents = patches(values, windows, fill=-np.inf)
        shares = np.eye(cells)[contents.reshape(*above.shape, cells).argmax(axis=4)]
    gradients = (above[..., None] * shares).reshape(*above.shape, windows.rows.kernel, windows.cols.kernel)
    return spread(gradients, windows)


def _windows(
    images: ArrayLike, kernel_size: Pair, stride: Pair | None, padding: Pair, mode: str
) -> tuple[Floats, Windows]:
    if mode not in MODES:
        raise ConvScopeError(f"Pooling knows the modes {' and '.join(MODES)}, not {mode!r}.")
    kernels, borders = pair(kernel_size, "kernel_size", 1), pair(padding, "padding", 0)
    if any(2 * border > kernel for border, kernel in zip(borders, kernels, strict=True)):
        raise ConvScopeError(f"padding must be at most half of the window {kernels}, not {padding!r}.")
    values = floats(images, "images", 4)
    return values, slide(values.shape[2:], kernels, stride=kernels if stride is None else stride, padding=borders)
