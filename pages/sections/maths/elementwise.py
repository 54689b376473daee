"""Layers that treat every number by itself: activations, batch norm and dropout."""

from typing import Any

import numpy as np

from core import maths
from core.workbench.map_part import cut_of
from pages.sections.maths.convolution import about_square, ask_map
from pages.sections.maths.layer_pass import BATCH, Scene, part_to_show
from pages.shared.widgets.cell_view import Cells, Mode, Number, cell_view

CURVES = {  # by the name of torch's class: the key of `maths.ACTIVATIONS`, and the curve and its slope in signs
    "ReLU": ("relu", "max(0, {x})", "1 where {x} > 0, else 0"),
    "LeakyReLU": ("leaky_relu", "max(SLOPE · {x}, {x})", "1 where {x} > 0, else SLOPE"),
    "Sigmoid": ("sigmoid", "1 / (1 + exp(−{x}))", "{y} · (1 − {y})"),
    "Tanh": ("tanh", "tanh({x})", "1 − {y}²"),
    "GELU": ("gelu", "{x} · Φ({x}), with the normal distribution's Φ", "Φ({x}) + {x} · φ({x})"),
    "SiLU": ("silu", "{x} · σ({x}), with the sigmoid σ", "σ({x}) + {y} · (1 − σ({x}))"),
    "ReLU6": ("relu6", "min(max(0, {x}), 6)", "1 where 0 < {x} < 6, else 0"),
    "Hardsigmoid": ("hardsigmoid", "min(max(0, ({x} + 3) / 6), 1)", "1/6 where −3 < {x} < 3, else 0"),
    "Hardswish": (
        "hardswish",
        "{x} · min(max(0, ({x} + 3) / 6), 1)",
        "(2 · {x} + 3) / 6 where −3 < {x} < 3, before that 0, behind it 1",
    ),
}
_X, _Y = "Input", "Output"


def activation(now: Scene) -> None:
    """Follow an activation: the curve forward, its slope times the upstream gradient backward."""
    name, curve, slope = CURVES[type(now.module).__name__]
    leak = float(getattr(now.module, "negative_slope", 0.01))
    curve, slope = (words.replace("SLOPE", f"{leak:g}") for words in (curve, slope))
    (x, y, g, dx), channel = _maps(now)
    grids = {
        "x": Cells(_X, "x", x),
        "y": Cells(_Y, "y", maths.activation_forward(name, x, leak), "output"),
        "g": Cells("Upstream gradient", "∂L/∂y", g, "upstream"),
        "s": Cells("Slope of the curve", "f′(x)", maths.activation_backward(name, np.ones_like(x), x, leak), "kernel"),
        "dx": Cells("Gradient at the input", "∂L/∂x", maths.activation_backward(name, g, x, leak), "output"),
    }
    modes = [
        Mode("Forward", "each number is bent by itself", f"{{y}} = {curve}", ("x", "y"), "y"),
        Mode("Slope", "how much the output moves with the input", f"{{s}} = {slope}", ("x", "s"), "s"),
        Mode("Backward", "the slope lets the gradient through, or not", "{dx} = {g} · {s}", ("g", "s", "dx"), "dx"),
    ]
    _draw(now, channel, grids, modes, {}, {"y": y, "dx": dx})


def batch_norm(now: Scene) -> None:
    """Follow batch norm: with the batch's own mean and variance in training, the running ones afterwards."""
    result, module = now.found, now.module
    assert result.weight is not None and result.bias is not None
    (x, y, g, dx), channel = _maps(now)
    running: dict[str, Any] = {}
    if not now.training:
        running = {name: getattr(module, name).double().numpy() for name in ("running_mean", "running_var")}
    mean, var = (running["running_mean"], running["running_var"]) if running else maths.batch_moments(result.inputs)
    by_hand = maths.batch_norm_forward(result.inputs, result.weight, result.bias, eps=module.eps, **running)
    back = maths.batch_norm_backward(result.upstream, result.inputs, result.weight, eps=module.eps, **running).inputs
    part = cut_of(_one(result.outputs, channel))
    x_hat = (x - mean[channel]) / np.sqrt(var[channel] + module.eps)
    whole = np.moveaxis(result.upstream, 1, 0)[channel]
    whole_hat = (np.moveaxis(result.inputs, 1, 0)[channel] - mean[channel]) / np.sqrt(var[channel] + module.eps)
    numbers = {
        "mean": Number("μ", float(mean[channel])),
        "var": Number("σ²", float(var[channel])),
        "eps": Number("ε", float(module.eps)),
        "gamma": Number("γ", float(result.weight[channel])),
        "beta": Number("β", float(result.bias[channel])),
        "g_mean": Number("mean(∂L/∂y)", float(whole.mean())),
        "gx_mean": Number("mean(∂L/∂y · x̂)", float((whole * whole_hat).mean())),
    }
    grids = {
        "x": Cells(_X, "x", x),
        "x_hat": Cells("Normalised", "x̂", x_hat, "kernel"),
        "y": Cells(_Y, "y", _one(by_hand, channel)[part], "output"),
        "g": Cells("Upstream gradient", "∂L/∂y", g, "upstream"),
        "dx": Cells("Gradient at the input", "∂L/∂x", _one(back, channel)[part], "output"),
    }
    which = "of this batch" if now.training else "kept from training"
    backward = "{dx} = {gamma} / √({var} + {eps}) · "
    backward += "({g} − {g_mean} − {x_hat} · {gx_mean})" if now.training else "{g}"
    modes = [
        Mode(
            "Normalise",
            f"mean and variance {which}",
            "{x_hat} = ({x} − {mean}) / √({var} + {eps})",
            ("x", "x_hat"),
            "x_hat",
        ),
        Mode("Scale", "γ and β are learned", "{y} = {gamma} · {x_hat} + {beta}", ("x_hat", "y"), "y"),
        Mode(
            "Backward",
            "mean and variance are part of the sum" if now.training else "μ and σ² are fixed",
            backward,
            ("g", "x_hat", "dx"),
            "dx",
        ),
    ]
    _draw(now, channel, grids, modes, numbers, {"y": y, "dx": dx})


def dropout(now: Scene) -> None:
    """Follow dropout: what it switched off in this batch gives nothing and gets no gradient."""
    p = float(now.module.p)
    (x, y, g, dx), channel = _maps(now)
    passed = ~(((y == 0) & (x != 0)) | ((dx == 0) & (g != 0))) if now.training else np.ones_like(x, dtype=bool)
    share = p if now.training else 0.0
    grids = {
        "x": Cells(_X, "x", x),
        "m": Cells("Kept: 1, dropped: 0", "m", passed.astype(float), "kernel"),
        "y": Cells(_Y, "y", maths.dropout_forward(x, passed, share), "output"),
        "g": Cells("Upstream gradient", "∂L/∂y", g, "upstream"),
        "dx": Cells("Gradient at the input", "∂L/∂x", maths.dropout_backward(g, passed, share), "output"),
    }
    words = f"{p:.0%} are dropped, the others grow to make up for it" if now.training else "in use nothing is dropped"
    modes = [
        Mode("Forward", words, "{y} = {x} · {m} / (1 − {p})", ("x", "m", "y"), "y"),
        Mode("Backward", "the same mask", "{dx} = {g} · {m} / (1 − {p})", ("g", "m", "dx"), "dx"),
    ]
    _draw(now, channel, grids, modes, {"p": Number("p", share)}, {"y": y, "dx": dx})


def _draw(now: Scene, channel: int, grids: Any, modes: Any, numbers: Any, autograd: Any) -> None:
    cell_view(
        grids,
        modes,
        numbers=numbers,
        autograd=autograd,
        start=_strongest(grids["x"].values),
        key=f"maths_cells_{now.key}_{channel}_{now.training}",
        label=f"Map {channel} of {now.words}" if now.found.inputs.ndim == 4 else f"All numbers of {now.words}",
    )


def _maps(now: Scene) -> tuple[list[np.ndarray], int]:
    """Ask for a channel; return its input, output, upstream and input gradient of the picture, and its number.

    Vectors are laid out in rows. Batch norm of a vector has one number a channel: then the rows are the batch.
    """
    result = now.found
    arrays = (result.inputs, result.outputs, result.upstream, result.input_gradient)
    normed = type(now.module).__name__.startswith("BatchNorm")
    if result.inputs.ndim == 4 or normed:
        channel = ask_map(now, result.inputs.shape[1], "Map" if result.inputs.ndim == 4 else "Number")
        maps = [_one(values, channel) for values in arrays]
        part = part_to_show(now, maps[1])
        return [values[part] for values in maps], channel
    shape = about_square(result.inputs.shape[1])
    return [values[0].reshape(shape) for values in arrays], 0


def _one(values: np.ndarray, channel: int) -> np.ndarray:
    """Return one channel of the picture (H, W), or of a vector its numbers over the batch (1, N)."""
    return values[0, channel] if values.ndim == 4 else values[:BATCH, channel].reshape(1, -1)


def _strongest(values: np.ndarray) -> tuple[int, int]:
    """Return the place of the number farthest from zero, where there is most to see."""
    row, col = np.unravel_index(int(np.nan_to_num(np.abs(values)).argmax()), values.shape)
    return int(row), int(col)
