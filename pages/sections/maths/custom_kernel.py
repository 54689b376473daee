"""A kernel of one's own on a toy of 5 × 5 or on a picture: every setting of a convolution or a pooling window."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.maths.windows import Window, size_formula
from core.model.handmade import KERNELS, kernel
from pages.sections.maths.article import read_on
from pages.shared.network import current_network
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.section import Section
from pages.shared.widgets.convolution_view import convolution_view, pool_view

OPERATIONS = {"conv": "Convolution", "max": "Max pooling", "avg": "Average pooling"}
ABOVES = {
    "ones": "1 everywhere: L is the sum of the output",
    "random": "Random numbers",
    "spot": "1 in the middle only",
}
_TOY = np.array([[1, 2, 0, 1, 3], [0, 1, 3, 2, 1], [2, 0, 1, 4, 0], [1, 3, 2, 0, 1], [0, 1, 0, 2, 2]], dtype=float)


@dataclass(frozen=True)
class Filter:
    """What else a filter has: whether it is turned by 180°, its bias, the groups, and which of them is followed."""

    flip: bool = False
    bias: float = 0.0
    groups: int = 1
    group: int = 0


def ask_image() -> np.ndarray:
    """Return an image (C, H, W): a toy, or the grey values of a picture, 0 to 1."""
    sources = {"toy": "Toy, 5 × 5", "picture": "A picture"}
    source = st.segmented_control(
        "Numbers",
        list(sources),
        default="toy",
        format_func=sources.__getitem__,
        required=True,
        key="kernel_source",
        wrap=True,
    )
    if source == "toy":
        channels = st.segmented_control(
            "Channels", [1, 2, 4], default=1, required=True, key="kernel_channels", wrap=True
        )
        return np.stack([np.roll(_TOY, shift, axis=(0, 1)) - shift for shift in range(channels or 1)])
    picture = pick_picture(current_network.network_to_inspect())
    return picture.raw().mean(axis=0, keepdims=True) / 255


def ask_operation() -> str:
    """Ask what the window does: one of `OPERATIONS`."""
    chosen: str = st.segmented_control(
        "Operation",
        list(OPERATIONS),
        default="conv",
        format_func=OPERATIONS.__getitem__,
        required=True,
        key="kernel_operation",
        wrap=True,
    )
    return chosen


def ask_window(operation: str) -> Window:
    """Ask how large the window is and how it moves."""
    conv = operation == "conv"
    with st.grid(4, min_column_width=90):
        sizes = [1, 3, 5, 7] if conv else [2, 3, 4]
        size = st.selectbox("Kernel size" if conv else "Window", sizes, index=int(conv), key=f"kernel_size_{conv}")
        stride = st.number_input("Stride", 1, 4, 1 if conv else 2, key=f"kernel_stride_{conv}")
        padding = st.number_input("Padding", 0, 4, 0, key=f"kernel_padding_{conv}")
        dilation = st.number_input("Dilation", 1, 3, 1, key="kernel_dilation") if conv else 1
    if not conv and padding > size // 2:
        raise ConvScopeError(f"The padding of a window of {size} is at most {size // 2}, half of it: choose less.")
    return Window(size, int(stride), int(padding), int(dilation))


def ask_filter(channels: int) -> Filter:
    """Ask for what a filter has besides its kernel."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        bias = float(st.number_input("Bias", value=0.0, step=0.5, key="kernel_bias", width=130))
        groups, group = 1, 0
        if channels > 1:
            counts = [count for count in (1, 2, 4) if channels % count == 0]
            key = f"kernel_groups_{channels}"
            groups = st.segmented_control("Groups", counts, default=1, required=True, key=key, wrap=True) or 1
        if groups > 1:
            group = int(
                st.number_input(f"Group, 0 to {groups - 1}", 0, groups - 1, 0, key=f"group_{groups}", width=130)
            )
        flip = st.toggle(
            "Turn by 180°",
            key="kernel_flip",
            help="Mathematics calls only this a convolution. Networks leave it out, because they learn the kernel "
            "anyway: theirs is a cross-correlation.",
        )
    return Filter(flip, bias, groups, group)


def ask_kernel(size: int) -> np.ndarray:
    """Return a kernel (k, k): a hand-made one, or that with other numbers typed into it."""
    if size == 1:
        return np.array([[float(st.number_input("The one weight", value=1.0, step=0.5, key="kernel_one"))]])
    name = st.selectbox(
        "Kernel",
        list(KERNELS),
        index=list(KERNELS).index("sobel_x"),
        format_func=lambda name: KERNELS[name].title,
        key="kernel_name",
    )
    st.caption(f"{KERNELS[name].summary} Type other numbers into it if you like.")
    edited = st.data_editor(
        kernel(name, size), key=f"kernel_cells_{name}_{size}", hide_index=True, width=62 * size + 4, num_rows="fixed"
    )
    values = np.asarray(edited, dtype=float)
    if not np.isfinite(values).all():
        raise ConvScopeError("A cell of the kernel is empty or not a number: type one.")
    return values


def ask_above(shape: tuple[int, int]) -> np.ndarray:
    """Ask for dL/d output, of this shape."""
    name = st.selectbox(
        "Upstream gradient, ∂L/∂Y",
        list(ABOVES),
        format_func=ABOVES.__getitem__,
        key="kernel_above",
        help="What would come from the layers above. It is what the backward views start from.",
    )
    if name == "random":
        return np.random.default_rng(0).integers(-3, 4, shape).astype(float)
    above = np.ones(shape) if name == "ones" else np.zeros(shape)
    above[shape[0] // 2, shape[1] // 2] = 1
    return above


def kernel_bench() -> None:
    """Ask for numbers, a kernel and its settings, and show what comes of them forward and backward."""
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
    read_on("kernel" if operation == "conv" else f"{'max' if operation == 'max' else 'average'}_pooling")


def _convolve(image: np.ndarray, values: np.ndarray, above: np.ndarray, window: Window, chosen: Filter) -> None:
    from core.probe.autograd_reference import conv_pass

    seen = len(image) // chosen.groups
    weight = np.stack([values * (-1) ** place for place in range(seen)])
    settings: dict[str, Any] = {"stride": (window.stride,) * 2, "padding": (window.padding,) * 4}
    settings |= {"dilation": (window.dilation,) * 2, "first_channel": chosen.group * seen, "flip": chosen.flip}
    result = conv_pass(image, weight, chosen.bias, above, **settings)
    assert result.weight is not None and result.bias is not None
    convolution_view(
        image,
        weight,
        bias=chosen.bias,
        upstream=above,
        autograd={"output": result.output, "image": result.image, "weight": result.weight, "bias": result.bias},
        key="kernel_view",
        label="A kernel on the numbers that were chosen",
        **settings,
    )


def _pool(image: np.ndarray, above: np.ndarray, window: Window, mode: Any) -> None:
    from core.probe.autograd_reference import pool_pass

    size, stride, padding = ((number, number) for number in (window.size, window.stride, window.padding))
    result = pool_pass(image[0], above, kernel_size=size, stride=stride, padding=padding, mode=mode)
    pool_view(
        image[0],
        kernel_size=size,
        stride=stride,
        padding=padding,
        mode=mode,
        upstream=above,
        autograd={"output": result.output, "image": result.image},
        key=f"kernel_pool_{mode}",
        label="A pooling window on the numbers that were chosen",
    )


SECTION = Section("kernels", "A kernel by hand", kernel_bench, of_network=False)
