"""Convolutions and pooling windows of every kind, with autograd's numbers, for `test_convolution_view.py`."""

from typing import Any

import numpy as np
import streamlit as st
import torch
from torch.nn import functional

from pages.shared.widgets.convolution_view import convolution_view, pool_view

# What each case changes of a 5×5 toy with one channel and a 3×3 kernel.
CASES: dict[str, dict[str, Any]] = {
    "toy": {"whole": True},
    "everything": {"shape": (4, 7, 8), "kernel": (3, 2), "stride": 2, "padding": (2, 1), "dilation": 2, "groups": 2},
    "photo": {"shape": (3, 28, 28), "padding": 1},
    "wide": {"shape": (64, 32, 32), "padding": 1},
    "flipped": {"flip": True, "kernel": (3, 2), "stride": 2, "padding": 1},
    "uneven": {"kernel": (2, 4), "padding": (0, 1, 1, 2)},  # top, left, bottom, right, as torch's "same" has it
    "thick": {"kernel": (1, 1), "padding": 2},
    "nan": {"bad": np.nan},
    "constant": {"constant": True, "padding": 1},
    "single": {"shape": (1, 1, 1), "kernel": (1, 1)},
    "seven": {"shape": (1, 3, 3), "kernel": (7, 7), "padding": 3},
    "strided": {"shape": (1, 7, 7), "kernel": (2, 2), "stride": 3},
    "wrong": {"wrong": 0.01},
    "tiny": {"small": 1e-5},
    "max": {"pool": "max", "shape": (1, 6, 6), "kernel": (3, 3), "stride": 2, "padding": 1, "whole": True},
    "avg": {"pool": "avg", "shape": (1, 6, 6), "kernel": (3, 3), "stride": 2, "padding": 1},
    "gaps": {"pool": "max", "shape": (1, 7, 7), "kernel": (2, 2), "stride": 3, "bad": np.nan},
}


def inputs(case: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return an image (C, H, W), the filters of two output channels per group and their biases."""
    source = torch.Generator().manual_seed(4)
    shape, groups = case.get("shape", (1, 5, 5)), case.get("groups", 1)
    image = torch.randn(shape, dtype=torch.float64, generator=source)
    weight = torch.randn(
        (2 * groups, shape[0] // groups, *case.get("kernel", (3, 3))), dtype=torch.float64, generator=source
    )
    if case.get("whole"):
        image, weight = (3 * image).round(), weight.round()
    if case.get("constant"):
        image = torch.full_like(image, 0.5)
    if "bad" in case:
        image[0, 1, 3] = case["bad"]
    return image, weight, torch.linspace(-0.3, 0.4, len(weight), dtype=torch.float64)


def answers(case: dict[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the upstream gradient (H', W') of the case's output channel, its last, and what autograd says."""
    image, weight, bias = (tensor.requires_grad_() for tensor in inputs(case))
    settings = {name: case[name] for name in ("stride", "padding", "dilation", "groups") if name in case}
    if "pool" in case:
        pool = functional.max_pool2d if case["pool"] == "max" else functional.avg_pool2d
        output = pool(image[None], case["kernel"], **settings)[0, 0]
    else:
        turned = weight.flip(2, 3) if case.get("flip") else weight
        border = settings.get("padding", 0)
        padded = image[None]
        if isinstance(border, tuple) and len(border) == 4:
            top, left, bottom, right = settings.pop("padding")
            padded = functional.pad(padded, (left, right, top, bottom))
        output = functional.conv2d(padded, turned, bias, **settings)[0, -1]
    upstream = torch.randn(output.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    upstream = (upstream * case.get("small", 1)).round() if case.get("whole") else upstream * case.get("small", 1)
    output.backward(upstream)
    found = {"output": output.detach(), "image": image.grad}
    if "pool" in case:
        return upstream.numpy(), {"output": found["output"].numpy(), "image": image.grad[0].numpy()}
    found |= {"weight": weight.grad[-1], "bias": bias.grad[-1]}
    return upstream.numpy(), {name: tensor.numpy() + case.get("wrong", 0) for name, tensor in found.items()}


def show(name: str) -> None:
    """Show a case with the widget that it is for."""
    case = CASES[name]
    image, weight, bias = inputs(case)
    upstream, autograd = answers(case)
    common: dict[str, Any] = {"upstream": upstream, "autograd": autograd, "key": name, "label": f"Case {name}"}
    settings = {setting: case[setting] for setting in ("stride", "padding") if setting in case}
    if "pool" in case:
        pool_view(image[0], kernel_size=case["kernel"], mode=case["pool"], **settings, **common)
        return
    first = len(image) - weight.shape[1]
    settings |= {setting: case[setting] for setting in ("dilation", "flip") if setting in case}
    convolution_view(image, weight[-1], bias=float(bias[-1]), first_channel=first, **settings, **common)


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    if case := st.text_input("Case"):  # none at first, and between two: each is shown as if it were the first
        show(case)
