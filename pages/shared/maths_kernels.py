"""A kernel of one's own on a toy of 5 × 5 or on a picture: every setting of a convolution or a pooling window."""

from typing import Any

import numpy as np
import streamlit as st

from pages.shared.layout import show_errors
from pages.shared.maths_asks import (
    Filter,
    Window,
    ask_above,
    ask_filter,
    ask_image,
    ask_kernel,
    ask_operation,
    ask_window,
)
from pages.shared.maths_windows import size_formula
from pages.shared.widgets.convolution_view import convolution_view, pool_view


@st.fragment
def kernel_bench() -> None:
    """Ask for numbers, a kernel and its settings, and show what comes of them forward and backward."""
    with show_errors():
        asking, setting = st.columns([2, 3], gap="large")
        with asking:
            image = ask_image()
        with setting:
            operation = ask_operation()
            window = ask_window(operation)
            shape = (window.count(image.shape[1]), window.count(image.shape[2]))
            chosen = ask_filter(len(image)) if operation == "conv" else Filter()
            above = ask_above(shape)
            formula = size_formula(
                image.shape[1], window.size, window.stride, 2 * window.padding, window.dilation, shape[0]
            )
            st.caption(f"Rows of the output: {formula}, from rows, padding, kernel and stride.")
        if operation == "conv":
            with asking:
                values = ask_kernel(window.size)
            _convolve(image, values, above, window, chosen)
        else:
            _pool(image, above, window, operation)


def _convolve(image: np.ndarray, values: np.ndarray, above: np.ndarray, window: Window, chosen: Filter) -> None:
    from core.probe.window_pass import conv_pass

    seen = len(image) // chosen.groups
    weight = np.stack([values * (-1) ** place for place in range(seen)])
    settings: dict[str, Any] = {"stride": (window.stride,) * 2, "padding": (window.padding,) * 4}
    settings |= {"dilation": (window.dilation,) * 2, "first_channel": chosen.group * seen, "flip": chosen.flip}
    found = conv_pass(image, weight, chosen.bias, above, **settings)
    assert found.weight is not None and found.bias is not None
    convolution_view(
        image,
        weight,
        bias=chosen.bias,
        upstream=above,
        autograd={"output": found.output, "image": found.image, "weight": found.weight, "bias": found.bias},
        key="kernel_view",
        label="A kernel on the numbers that were chosen",
        **settings,
    )


def _pool(image: np.ndarray, above: np.ndarray, window: Window, mode: Any) -> None:
    from core.probe.window_pass import pool_pass

    size, stride, padding = ((number, number) for number in (window.size, window.stride, window.padding))
    found = pool_pass(image[0], above, kernel_size=size, stride=stride, padding=padding, mode=mode)
    pool_view(
        image[0],
        kernel_size=size,
        stride=stride,
        padding=padding,
        mode=mode,
        upstream=above,
        autograd={"output": found.output, "image": found.image},
        key=f"kernel_pool_{mode}",
        label="A pooling window on the numbers that were chosen",
    )
