"""A convolution or a pooling window, one number at a time, forward and backward, counted in the browser."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from pages.shared.widgets.grid_assets import SHARED, STYLE, look, packed, script
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_MODES = ("convolution", "forward", "backward", "matrix", "pooling")
_HTML = """
<div class="view" role="group">
  <div class="top">
    <div class="switch modes" role="radiogroup" aria-label="What to look at"></div>
    <p class="kind"></p>
  </div>
  <div class="channels">
    <span>Input channel</span>
    <div class="switch tabs" role="radiogroup" aria-label="Input channel"></div>
  </div>
  <div class="grids"></div>
  <div class="slide">
    <button type="button" class="play" aria-label="Play the slide" title="Play the slide"></button>
    <input type="range" class="scrubber" min="0" step="1" aria-label="Position">
    <span class="where"></span>
    <button type="button" class="unpin" hidden>Pinned: release</button>
  </div>
  <div class="detail">
    <div class="made">
      <div class="products" aria-hidden="true"></div>
      <p class="sum"></p>
      <p class="levels"></p>
    </div>
    <div class="said">
      <div class="formula"></div>
      <div class="numbers"></div>
    </div>
  </div>
  <p class="check"></p>
  <ul class="notes"></ul>
  <div class="legend">
    <span>negative</span><span class="bar"></span><span>positive; white is zero</span>
    <span><span class="swatch"></span>padding or gap</span>
  </div>
  <p class="hint">Point at a cell or walk with the arrow keys. Click or Enter pins, Escape releases, space plays<span
    class="turns">, [ and ] change the channel</span>. Rows and columns count from 0.</p>
  <p class="live" aria-live="polite"></p>
</div>
"""
_view = st.components.v2.component(
    "convolution_view",
    html=_HTML,
    css=STYLE,
    js=script_file(
        "convolution_view", script(*SHARED, *(_HERE / f"{part}.js" for part in (*_MODES, "convolution_view")))
    ),
)

Pair = int | Sequence[int]


def convolution_view(
    image: ArrayLike,
    weight: ArrayLike,
    *,
    bias: float | None = None,
    upstream: ArrayLike,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    first_channel: int = 0,
    flip: bool = False,
    autograd: Mapping[str, ArrayLike],
    channel_names: Sequence[str] = (),
    key: str,
    label: str,
) -> None:
    """Show one output channel of a convolution, every number with what it is made of; nothing is sent back.

    Args:
        image: The input, (C, H, W).
        weight: The filter of this output channel, (C', kH, kW); C' is C divided by the groups.
        bias: Its bias; None if it has none.
        upstream: dL/d output of this channel, (H', W').
        stride, dilation: A number, or one for rows and one for columns.
        padding: The same, or (top, left, bottom, right).
        first_channel: The input channel where the group of this output channel begins.
        flip: Convolution as in mathematics, with the kernel turned by 180°.
        autograd: What PyTorch says, any of "output" (H', W'), "weight" (C', kH, kW), "bias" and "image" (C, H, W),
            the last through this output channel alone.
        channel_names: A name for each input channel, shown as it stands; their numbers if empty.
        key: Streamlit's key.
        label: What is shown, for a screen reader.

    Raises:
        ConvScopeError: The shapes do not fit each other.
    """
    values, kernel = _array(image, "image", 3), _array(weight, "weight", 3)
    channels, seen = values.shape[0], kernel.shape[0]
    if not 0 <= first_channel <= channels - seen:
        raise ConvScopeError(
            f"The filter looks at {seen} channels from channel {first_channel} on, but the image has {channels}."
        )
    kind = "convolution: the kernel turned by 180°" if flip else "cross-correlation, what torch calls convolution"
    data = {
        "weight": packed(kernel),
        "bias": None if bias is None else packed(np.array([bias])),  # a plain number could not be "not a number"
        "first": first_channel,
        "flip": flip,
        "names": [str(name) for name in channel_names] or [str(channel) for channel in range(channels)],
    }
    shared = _data(values, kernel.shape, upstream, stride, padding, dilation, autograd)
    _view(key=key, data={**shared, **data, "kind": kind, "label": label, "pool": None})


def pool_view(
    image: ArrayLike,
    *,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    mode: Literal["max", "avg"] = "max",
    upstream: ArrayLike,
    autograd: Mapping[str, ArrayLike],
    key: str,
    label: str,
) -> None:
    """Show max or average pooling of one map, forward and back; nothing is sent back.

    Args:
        image: The map, (H, W).
        kernel_size: Side of the window, or its height and width.
        stride: From window to window; the window's size if None.
        padding: Border: never the largest for "max", zeros that count for "avg" (PyTorch's default).
        mode: Which of the two.
        upstream: dL/d output, (H', W').
        autograd: What PyTorch says, any of "output" (H', W') and "image" (H, W).
        key: Streamlit's key.
        label: What is shown, for a screen reader.

    Raises:
        ConvScopeError: The shapes do not fit each other.
    """
    values = _array(image, "image", 2)[None]
    size = (1, *_numbers(kernel_size, 2))
    shared = _data(values, size, upstream, kernel_size if stride is None else stride, padding, 1, autograd)
    kind = "max pooling" if mode == "max" else "average pooling, padding counted"
    _view(key=key, data={**shared, "names": ["0"], "kind": kind, "label": label, "pool": mode})


def _data(
    image: np.ndarray,
    kernel: tuple[int, ...],
    upstream: ArrayLike,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    autograd: Mapping[str, ArrayLike],
) -> dict[str, Any]:
    above, strides, spaces = _array(upstream, "upstream gradient", 2), _numbers(stride, 2), _numbers(dilation, 2)
    border = _numbers(padding, 4)
    sizes = [
        (image.shape[1 + side] + border[side] + border[side + 2] - spaces[side] * (kernel[1 + side] - 1) - 1)
        // strides[side]
        + 1
        for side in (0, 1)
    ]
    if min(sizes) < 1 or above.shape != tuple(sizes):
        raise ConvScopeError(
            f"With these settings the output has {sizes[0]} × {sizes[1]} cells, "
            f"but the upstream gradient has the shape {above.shape}."
        )
    return {
        "image": packed(image),
        "shape": image.shape,
        "kernel": kernel,
        "upstream": packed(above),
        "stride": strides,
        "padding": border,
        "dilation": spaces,
        "autograd": {name: packed(np.asarray(values)) for name, values in autograd.items()},
        **look(),
    }


def _array(values: ArrayLike, name: str, dimensions: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != dimensions or not array.size:
        raise ConvScopeError(f"The {name} must have {dimensions} dimensions and no empty one, not {array.shape}.")
    return array


def _numbers(value: Pair, count: int) -> list[int]:
    """Return one number, or one for rows and one for columns, as `count` of them."""
    numbers = np.atleast_1d(np.asarray(value)).tolist()
    if len(numbers) not in (1, 2, count):
        raise ConvScopeError(f"One number or a pair of them is needed, not {value!r}.")
    return [int(numbers[place % len(numbers)]) for place in range(count)]
