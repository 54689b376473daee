"""Which methods fit a network, and the rules that DeepLIFT and LRP go back by."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, IdentityRule, PropagationRule
from torch import nn

from core.explain.method import Choice
from core.explain.methods import METHODS
from core.explain.unfold import operations, unfolded

# DeepLIFT's rescale rule holds for every function that treats numbers one by one; Captum lists only some of them.
ELEMENTWISE = (nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh)
for _kind in ELEMENTWISE:
    SUPPORTED_NON_LINEAR.setdefault(_kind, nonlinear)

_LINEAR = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.BatchNorm1d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, Addition_Module)
_THROUGH = (nn.Flatten, nn.Identity, nn.Dropout)
# Functions and methods that only move numbers about or, of numbers that are not the picture's, count.
_MOVING = {
    torch.cat, torch.reshape, torch.flatten, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze, F.dropout,
    operator.getitem, operator.floordiv, getattr, "view", "reshape", "transpose", "permute", "contiguous", "chunk",
    "flatten", "size", "squeeze", "unsqueeze",
}  # fmt: skip
_LRP = {"epsilon": EpsilonRule, "gamma": GammaRule, "alpha1_beta0": Alpha1_Beta0_Rule}


def why_not(model: nn.Module, method: str, options: Mapping[str, Choice] | None = None) -> str | None:
    """Say in one sentence why a method of `METHODS` cannot explain this network, or return None if it can."""
    about, chosen = METHODS[method], dict(options or {})
    if about.family == "Layers" and not _has(model, nn.Conv2d):
        return (
            f"{about.title} needs a convolution and this network has none: choose another method, or add one in Build."
        )
    guided = chosen.get("of") == "guided_backprop"
    if not (about.unfolded or guided or method == "guided_grad_cam"):
        return None
    network = unfolded(model)
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
    return _no_rule(network, about.title, lrp=method == "lrp")


def _has(model: nn.Module, kind: type[nn.Module]) -> bool:
    return any(isinstance(module, kind) for module in model.modules())


def _no_rule(network: nn.Module, title: str, *, lrp: bool) -> str | None:
    moving = _MOVING if lrp else _MOVING | {torch.mean, "mean"}
    for step in _leaves(network):
        if isinstance(step, nn.Module):
            known = isinstance(step, (*_LINEAR, *_THROUGH, *ELEMENTWISE, nn.ReLU, nn.MaxPool2d))
            name = type(step).__name__
        else:
            name = str(getattr(step, "__name__", step))
            known = step in moving or name == "stochastic_depth"  # which does nothing outside training
        if not known:
            return (
                f"{title} has no rule for the step “{name}” of this network, and without one it would be wrong: "
                "choose a gradient method or occlusion."
            )
    return None


def _leaves(network: nn.Module) -> list[Any]:
    found: list[Any] = []
    for step in operations(network):
        inner = list(step.children()) if isinstance(step, nn.Module) else []
        found += _leaves(step) if inner else [step]
    return found


def apart(network: nn.Module) -> nn.Module:
    """Give every activation and max pooling of a copy of a network an input of its own, and return the copy.

    Captum hangs DeepLIFT's rules on tensors. Where a ReLU's output is a pooling's input, both hang on the same one, the
    ReLU's reads the gradient before the pooling's has changed it, and the values no longer sum to the change of score.
    """
    for module in network.modules():
        if type(module) in SUPPORTED_NON_LINEAR:
            module.register_forward_pre_hook(lambda module, inputs: (inputs[0].clone(),))
    return network


def attach_rules(network: nn.Module, rule: str) -> nn.Module:
    """Give every module of a copy of a network its rule of LRP, and return the copy.

    Convolutions and dense layers get `rule`; activations and flatten pass relevance on as it is. The rules "gamma" and
    "alpha1_beta0" change weights for a while, so those modules get weights of their own.
    """
    for name, module in network.named_modules():
        if list(module.children()):
            continue
        if isinstance(module, nn.Conv2d | nn.Linear) and name != "difference":
            if rule != "epsilon":
                for key, weight in module._parameters.items():
                    module._parameters[key] = None if weight is None else nn.Parameter(weight.detach().clone())
            _give(module, _LRP[rule]())
        elif isinstance(module, ELEMENTWISE) and not isinstance(module, nn.Tanh):
            _give(module, IdentityRule())
        elif isinstance(module, (nn.Flatten, nn.Identity, nn.BatchNorm1d)):
            _give(module, EpsilonRule())
    return network


def _give(module: nn.Module, rule: PropagationRule) -> None:
    module.__dict__["rule"] = rule
