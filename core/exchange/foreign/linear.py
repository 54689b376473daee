"""Convolutions, residual blocks and dense layers of another program as layers of ours that compute the same.

Kernels are (out, in, height, width), dense weights (out, in), as torch has them.
"""

import numpy as np
from numpy.typing import ArrayLike

from core.exchange.foreign.network import Array, ForeignError, shown
from core.exchange.foreign.stack import EPS, NO_PADS, Pads, Stack, owned_by, values_or
from core.exchange.foreign.windows import Side, common_window, torch_same
from core.model import layers as kinds

Filters = tuple[Array, Array | None]  # of a convolution: kernels and what is added


def conv(
    stack: Stack,
    owner: str,
    kernel: Array,
    bias: Array | None = None,
    stride: tuple[int, int] = (1, 1),
    pads: Pads = NO_PADS,
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> None:
    """Add a convolution; one whose window is no square, or whose border differs by side, gets a larger kernel."""
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise ForeignError(f"The weights of the layer {shown(owner)} are no filters of two dimensions.")
    outputs = kernel.shape[0]
    if len(stack.shape) == 1 and kernel.shape[2:] == (1, 1) and groups == 1:
        dense(stack, owner, kernel[:, :, 0, 0], bias)
        return
    channels, _, _ = stack.maps(owner)
    if kernel.shape[1] * groups != channels or outputs % groups:
        raise ForeignError(
            f"The filters of the layer {shown(owner)} take {kernel.shape[1] * groups:,} maps, and it gets {channels:,}."
        )
    if stride[0] != stride[1]:
        raise ForeignError(f"The layer {shown(owner)} has two strides, {stride[0]} and {stride[1]}; one here has one.")
    pads, stack.pads = stack.pads_and(pads), NO_PADS
    kernel, padding, dilated = _square(stack, owner, kernel, stride[0], pads, dilation)
    with owned_by(owner):
        layer = kinds.Conv(outputs, int(kernel.shape[2]), stride[0], padding, dilated, groups)
    stack.add(owner, layer, weight=kernel, bias=values_or(bias, 0, outputs, owner))


def _square(
    stack: Stack, owner: str, kernel: Array, stride: int, pads: Pads, dilation: tuple[int, int]
) -> tuple[Array, int | str, int]:
    """Return filters, padding and dilation of a square window with the same border all around that does the same."""
    _, height, width = stack.maps(owner)
    rows = Side(height, kernel.shape[2], stride, pads[0], pads[2], dilation[0])
    columns = Side(width, kernel.shape[3], stride, pads[1], pads[3], dilation[1])
    square = rows.kernel == columns.kernel and (rows.kernel == 1 or dilation[0] == dilation[1])
    dilated = dilation[0] if rows.kernel > 1 else 1
    if square and torch_same(rows) and torch_same(columns):
        return kernel, "same", dilated
    if square and len(set(pads)) == 1:
        return kernel, pads[0], dilated
    window = common_window(rows, columns)
    if window is None:
        raise ForeignError(
            f"The layer {shown(owner)} puts other borders around the maps than any convolution here can."
        )
    stack.note(
        f"{shown(owner)}: its filters of {rows.kernel}×{columns.kernel} stand in ones of "
        f"{window.kernel}×{window.kernel} with zeros at the side, because its border differs by side. "
        "It computes the same."
    )
    return window.enlarged(kernel, rows, columns), window.padding, 1


def residual(stack: Stack, owner: str, first: Filters, second: Filters, shortcut: Filters | None, stride: int) -> None:
    """Add a residual block: two convolutions with a ReLU between, a shortcut, their sum and a ReLU.

    Batch norms were taken into the filters by whoever wrote the file; what they added stands in ours.
    """
    with owned_by(owner):
        layer = kinds.Residual(first[0].shape[0], first[0].shape[2], stride)
    parts = {"conv1": first, "conv2": second} | ({"shortcut.conv": shortcut} if shortcut else {})
    tensors: dict[str, ArrayLike] = {}
    for place, (kernel, bias) in parts.items():
        norm, size = place.replace("conv", "bn"), kernel.shape[0]
        tensors |= {
            f"{place}.weight": kernel,
            f"{norm}.weight": np.ones(size),
            f"{norm}.bias": values_or(bias, 0, size, owner),
            f"{norm}.running_mean": np.zeros(size),
            f"{norm}.running_var": np.full(size, 1 - EPS),
            f"{norm}.num_batches_tracked": np.zeros((), np.int64),
        }
    stack.add(owner, layer, **tensors)


def dense(stack: Stack, owner: str, weight: Array, bias: Array | None = None) -> None:
    """Add a dense layer; over maps it is a convolution of 1×1."""
    if weight.ndim != 2 or 0 in weight.shape:
        raise ForeignError(f"The weights of the layer {shown(owner)} are no table.")
    if len(stack.shape) == 3:
        conv(stack, owner, weight[:, :, None, None], bias)
        return
    if weight.shape[1] != stack.shape[0]:
        raise ForeignError(
            f"The weights of the layer {shown(owner)} take {weight.shape[1]:,} numbers, and it gets {stack.shape[0]:,}."
        )
    if stack.order is not None:
        weight, stack.order = weight[:, stack.order], None
    with owned_by(owner):
        layer = kinds.Dense(weight.shape[0])
    stack.add(owner, layer, weight=weight, bias=values_or(bias, 0, weight.shape[0], owner))
