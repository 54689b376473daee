"""The learned kernels of a network's convolutions."""

import torch
from torch import Tensor, nn

from core.errors import ConvScopeError


def filter_layers(model: nn.Module) -> tuple[str, ...]:
    """Name the convolutions of a network in its order, dotted for those inside a block ("block1.conv2")."""
    return tuple(name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))


def filters(model: nn.Module, layer: str) -> Tensor:
    """Return a copy of a convolution's weights.

    Args:
        model: The network.
        layer: One of `filter_layers(model)`.

    Returns:
        Float32 (out_channels, in_channels / groups, kH, kW) on the CPU; changing it does not change the
        network.

    Raises:
        ConvScopeError: The network has no convolution of that name.
    """
    return _convolution(model, layer).weight.detach().to("cpu", torch.float32, copy=True)


def biases(model: nn.Module, layer: str) -> Tensor | None:
    """Return a copy of a convolution's biases, (out_channels,), or None where it has none; raises as `filters`."""
    bias = _convolution(model, layer).bias
    return None if bias is None else bias.detach().to("cpu", torch.float32, copy=True)


def _convolution(model: nn.Module, layer: str) -> nn.Conv2d:
    module = dict(model.named_modules()).get(layer)
    if not isinstance(module, nn.Conv2d):
        names = filter_layers(model)
        remedy = f"choose one of {', '.join(names)}" if names else "add a convolution in Build and train again"
        raise ConvScopeError(f"The network has no convolution named {layer!r}: {remedy}.")
    return module
