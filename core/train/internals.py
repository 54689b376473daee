"""Measurements inside a training network: gradient norms, histograms of weights and activations, dead units."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from core.runs.records import Evidence

BINS = 30
GRADIENT_POINTS, EPOCH_POINTS = 200, 50
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.GELU, nn.SiLU)


def gradient_due(step: int, total_steps: int) -> bool:
    """Return whether gradients are measured in this update, from 1: in early ones, then evenly, some 200 in all."""
    return step & (step - 1) == 0 or step % max(1, total_steps // GRADIENT_POINTS) == 0


def epoch_due(epoch: int, epochs: int) -> bool:
    """Return whether the network is measured after this epoch, from 1: the last one, and at most about 50 before it."""
    return epoch == epochs or epoch % max(1, -(-epochs // EPOCH_POINTS)) == 0


def gauge_gradients(model: nn.Module, step: int) -> tuple[Evidence, ...]:
    """Return the L2 norm of the gradient of each layer that has weights, and of the whole network ("all")."""
    names, norms = [], []
    for name, layer in model.named_children():
        gradients = [weight.grad for weight in layer.parameters() if weight.grad is not None]
        if gradients:
            names.append(name)
            norms.append(torch.nn.utils.get_total_norm(gradients))
    if not norms:
        return ()
    values = torch.stack([*norms, torch.stack(norms).norm()]).tolist()
    measured = (Evidence(step, "gradient", name, value) for name, value in zip([*names, "all"], values, strict=True))
    return tuple(item for item in measured if math.isfinite(item.value))


@torch.no_grad()
def gauge_network(model: nn.Module, images: Tensor, step: int) -> Iterator[tuple[Evidence, ...]]:
    """Yield, layer by layer, the histograms of weights and activations and the share of dead units.

    Until the end the model is in evaluation mode; then the modes are put back.

    Args:
        model: A sequence of layers; any other module gives no evidence.
        images: (N, C, H, W), normalised, the same ones every time.
        step: Updates so far.

    Numbers that have grown beyond all bounds are left out.
    """
    if not isinstance(model, nn.Sequential):
        return
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        outputs = images
        for name, layer in model.named_children():
            outputs = layer(outputs)
            yield tuple(item for item in _gauge(name, layer, outputs, step) if math.isfinite(item.value))
    finally:
        for module, mode in modes:
            module.training = mode


def _gauge(name: str, layer: nn.Module, outputs: Tensor, step: int) -> Iterator[Evidence]:
    weights = [weight.flatten() for weight in layer.parameters() if weight.dim() > 1]
    if weights:
        values = torch.cat(weights)
        yield Evidence(step, "weights", name, float(values.pow(2).mean().sqrt()), histogram(values))
    if weights or isinstance(layer, _ACTIVATIONS):
        yield Evidence(step, "activations", name, float(outputs.float().std()), histogram(outputs))
    if isinstance(layer, _ACTIVATIONS):
        yield Evidence(step, "dead", name, dead_share(outputs))


def histogram(values: Tensor) -> tuple[float, ...]:
    """Return the lowest and the highest finite value, then the counts of `BINS` equal bins between them."""
    values = _channels_last(values.detach().float().cpu()).flatten()
    if not len(values):
        return ()
    low, high = (float(end) for end in values.aminmax())
    if not math.isfinite(low) or not math.isfinite(high):  # choosing costs more than all the rest: only if need be
        values = values[values.isfinite()]
        return histogram(values)
    return (low, high, *torch.histc(values, BINS, low, high).tolist())


def dead_share(outputs: Tensor) -> float:
    """Return the share of units with the same output for all images, 0 to 1.

    Args:
        outputs: (N, C, H, W) of channels or (N, F) of features. A unit is dead if no position of it varies over the
            images by more than a thousandth of the layer's root mean square.
    """
    outputs = outputs.float()
    positions = _channels_last(outputs).flatten(1)
    spread = (positions.amax(0) - positions.amin(0)).view(-1, outputs.shape[1]).amax(0)
    return float((spread <= 1e-3 * outputs.pow(2).mean().sqrt()).float().mean())


def _channels_last(values: Tensor) -> Tensor:
    """Return (N, C, H, W) as (N, H, W, C), as a training keeps it: in any other order a reduction takes far longer."""
    return values.movedim(1, -1) if values.dim() > 2 else values
