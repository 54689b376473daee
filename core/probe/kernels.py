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
    module = dict(model.named_modules()).get(layer)
    if not isinstance(module, nn.Conv2d):
        names = filter_layers(model)
        remedy = f"choose one of {', '.join(names)}" if names else "add a convolution in Build and train again"
        raise ConvScopeError(f"The network has no convolution named {layer!r}: {remedy}.")
    return module.weight.detach().to("cpu", torch.float32, copy=True)
