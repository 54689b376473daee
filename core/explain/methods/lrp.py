"""Layer-wise relevance propagation (LRP: Bach et al. 2015, doi:10.1371/journal.pone.0130140).

Each step is computed as usual, plus a term that is zero and whose gradient is the step's rule: what comes back as
"gradient" is relevance. The rules are those of zennit 0.5.1, also for inputs of either sign.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from core.explain.canonize import Mean, Sum
from core.explain.methods.deep_lift import ELEMENTWISE, replace_forward
from core.model.backbone import PixelInput

STABILIZER = 1e-6  # added to denominators, away from zero
GAMMA = 0.25
_POOLS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, Mean)
_NORMS = (nn.BatchNorm2d, nn.BatchNorm1d)

Weighted = nn.Conv2d | nn.Linear
RelevanceRule = Callable[[Weighted, Tensor], Tensor]


def lrp(network: nn.Module, image: Tensor, target: int, rule: str) -> Tensor:
    """Return the relevance of each value of an image for one score, (C, H, W).

    Convolutions and dense layers go by `rule`, after batch norms behind them are merged into them; sums, means and
    other batch norms share out in proportion, max pooling gives to its winner, activations pass on.

    Args:
        network: A copy of a network in which each operation is a module: it is changed. In evaluation mode.
        image: (1, C, H, W).
        target: Index of the output to explain.
        rule: A key of `LRP_RULES`.
    """
    merged = _merge_batch_norms(network)
    for name, module in network.named_modules():
        if isinstance(module, Weighted):
            replace_forward(module, _by(LRP_RULES["epsilon" if name == "difference" else rule], module))
        elif isinstance(module, ELEMENTWISE):
            replace_forward(module, _passing(module.forward))
        elif isinstance(module, (*_POOLS, *_NORMS, PixelInput)) and module not in merged:
            replace_forward(module, _in_proportion(module.forward))
        elif isinstance(module, Sum):
            replace_forward(module, _summed)
    pixels = image.detach().clone().requires_grad_()
    score = network(pixels)[:, target]
    return torch.autograd.grad(score, pixels, grad_outputs=score.detach())[0][0]


def _by(rule: RelevanceRule, layer: Weighted) -> Callable[[Tensor], Tensor]:
    return lambda inputs: rule(layer, inputs)


def _linear(layer: Weighted, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a convolution or dense layer with other weights."""
    if isinstance(layer, nn.Linear):
        return F.linear(inputs, weight, bias)
    return layer._conv_forward(inputs, weight, bias)


def _epsilon(layer: Weighted, inputs: Tensor) -> Tensor:
    """Share out in proportion to x·w (Bach et al. 2015, equation 58)."""
    values, weight, bias = _parts(layer, inputs)
    output = _linear(layer, values, weight, bias)
    return output + _linear(layer, values * (inputs - values), weight) / _stable(output)


def _alpha1_beta0(layer: Weighted, inputs: Tensor) -> Tensor:
    """Share out in proportion to positive products x⁺w⁺ + x⁻w⁻ (Bach et al. 2015, equation 60, α = 1, β = 0)."""
    values, weight, bias = _parts(layer, inputs)
    output, step = _linear(layer, values, weight, bias), inputs - values
    high, low, up, down = values.clamp(min=0), values.clamp(max=0), weight.clamp(min=0), weight.clamp(max=0)
    positive = _linear(layer, high, up, None if bias is None else bias.clamp(min=0)) + _linear(layer, low, down)
    return output + (_linear(layer, high * step, up) + _linear(layer, low * step, down)) / _stable(positive)


def _gamma(layer: Weighted, inputs: Tensor) -> Tensor:
    """Favour products of the output's sign by γ (Montavon et al. 2019; for signed inputs Andéol et al. 2021)."""
    values, weight, bias = _parts(layer, inputs)
    output, step = _linear(layer, values, weight, bias), inputs - values
    high, low = values.clamp(min=0), values.clamp(max=0)
    up, down = weight + GAMMA * weight.clamp(min=0), weight + GAMMA * weight.clamp(max=0)
    shares = []
    for along, against, border in ((up, down, "min"), (down, up, "max")):
        more = None if bias is None else bias + GAMMA * bias.clamp(**{border: 0.0})
        total = _linear(layer, high, along, more) + _linear(layer, low, against)
        shares.append((_linear(layer, high * step, along) + _linear(layer, low * step, against)) / _stable(total))
    return output + (output > 0) * shares[0] + (output < 0) * shares[1]


LRP_RULES: dict[str, RelevanceRule] = {"epsilon": _epsilon, "gamma": _gamma, "alpha1_beta0": _alpha1_beta0}


def _parts(layer: Weighted, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    return inputs.detach(), layer.weight.detach(), None if layer.bias is None else layer.bias.detach()


def _stable(denominator: Tensor) -> Tensor:
    """Keep a denominator away from zero; zero itself counts as positive."""
    return denominator + STABILIZER * torch.where(denominator < 0, -1, 1)


def _passing(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return an elementwise function that passes relevance on unchanged."""
    return lambda inputs: forward(inputs.detach()) + (inputs - inputs.detach())


def _in_proportion(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a linear or affine step that shares out in proportion to what each input adds."""

    def compute(inputs: Tensor) -> Tensor:
        values = inputs.detach()
        output = forward(values).detach()
        added = forward(values * (inputs - values))
        return output + (added - added.detach()) / _stable(output)

    return compute


def _summed(first: Tensor, second: Tensor) -> Tensor:
    """Add two tensors, sharing relevance out in proportion to both."""
    one, other = first.detach(), second.detach()
    return one + other + (one * (first - one) + other * (second - other)) / _stable(one + other)


def _merge_batch_norms(network: nn.Module) -> set[nn.Module]:
    """Merge batch norms into the convolution or dense layer whose output they alone take, and return those norms."""
    merged = set[nn.Module]()
    for layer, norm in _pairs(network):
        scale, shift = _scale_and_shift(norm)
        bias = torch.zeros_like(shift) if layer.bias is None else layer.bias.detach()
        weight = layer.weight.detach() * scale.reshape(-1, *[1] * (layer.weight.ndim - 1))
        layer._parameters["weight"] = nn.Parameter(weight, requires_grad=False)
        layer._parameters["bias"] = nn.Parameter(bias * scale + shift, requires_grad=False)
        replace_forward(norm, lambda inputs: inputs)
        merged.add(norm)
    return merged


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach()
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias.detach()


def _pairs(network: nn.Module) -> Iterator[tuple[Any, Any]]:
    for part in network.modules():
        if isinstance(part, torch.fx.GraphModule):
            for node in part.graph.nodes:
                source = node.args[0] if node.args else None
                if node.op == "call_module" and isinstance(source, torch.fx.Node) and source.op == "call_module":
                    pair = part.get_submodule(str(source.target)), part.get_submodule(str(node.target))
                    if len(source.users) == 1 and _fit(*pair):
                        yield pair
        elif isinstance(part, nn.Sequential):
            children = list(part)
            yield from (pair for pair in pairwise(children) if _fit(*pair))


def _fit(layer: nn.Module, norm: nn.Module) -> bool:
    return isinstance(layer, Weighted) and isinstance(norm, _NORMS) and norm.running_mean is not None
