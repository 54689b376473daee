"""Which methods fit a network."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from core.explain.canonize import Mean, Sum, canonized, operations
from core.explain.methods.deep_lift import ELEMENTWISE
from core.explain.methods.registry import METHODS
from core.model.backbone import PixelInput
from core.options import OptionValue

_LINEAR = (
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm2d,
    nn.BatchNorm1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    Sum,
    Mean,
    PixelInput,
)
_THROUGH = (nn.Flatten, nn.Identity, nn.Dropout, nn.ZeroPad2d)
# Functions and methods that only move numbers about or, of numbers that are not the picture's, count.
_MOVING = {
    torch.cat, torch.reshape, torch.flatten, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze, F.dropout,
    operator.getitem, operator.floordiv, getattr, "view", "reshape", "transpose", "permute", "contiguous", "chunk",
    "flatten", "size", "squeeze", "unsqueeze",
}  # fmt: skip


def incompatibility(model: nn.Module, method: str, options: Mapping[str, OptionValue] | None = None) -> str | None:
    """Say in one sentence why a method of `METHODS` cannot explain this network, or return None if it can."""
    about, chosen = METHODS[method], dict(options or {})
    if about.family == "Layers" and not _has(model, nn.Conv2d):
        return (
            f"{about.title} needs a convolution and this network has none: choose another method, or add one in Build."
        )
    guided = chosen.get("of") == "guided_backprop"
    if not (about.unfolded or guided or method == "guided_grad_cam"):
        return None
    network = canonized(model)
    if network is None:
        return (
            f"{about.title} has to know every step of the network, and this one decides on its way what to compute: "
            "choose a gradient method or occlusion."
        )
    if method in ("guided_backprop", "deconvolution", "guided_grad_cam") or guided:
        if not _has(network, nn.ReLU):
            title = "Guided backpropagation" if guided else about.title
            others = dict.fromkeys(type(step).__name__ for step in network.modules() if isinstance(step, ELEMENTWISE))
            kinds = f" (but {', '.join(others)})" if others else ""
            return (
                f"{title} changes how gradients pass ReLU layers and this network has none{kinds}, so it would repeat "
                "the plain gradient: choose saliency instead."
            )
        return None
    return _no_rule(network, about.title)


def _has(model: nn.Module, kind: type[nn.Module]) -> bool:
    return any(isinstance(module, kind) for module in model.modules())


def _no_rule(network: nn.Module, title: str) -> str | None:
    for step in _leaves(network):
        if isinstance(step, nn.Module):
            supported = isinstance(step, (*_LINEAR, *_THROUGH, *ELEMENTWISE, nn.MaxPool2d))
            name = type(step).__name__
        else:
            name = str(getattr(step, "__name__", step))
            supported = step in _MOVING or name == "stochastic_depth"  # which does nothing outside training
        if not supported:
            return (
                f"{title} has no rule for the step “{name}” of this network, and without one it would be wrong: "
                "choose a gradient method or occlusion."
            )
    return None


def _leaves(network: nn.Module) -> list[Any]:
    leaves: list[Any] = []
    for step in operations(network):
        inner = list(step.children()) if isinstance(step, nn.Module) else []
        leaves += _leaves(step) if inner else [step]
    return leaves
