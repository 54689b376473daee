"""What the first filters are before training changes them."""

import torch
from torch import nn

from core.errors import ConfigError
from core.model.handmade import KERNELS, kernel
from core.train.config import TrainConfig


def begin(model: nn.Module, config: TrainConfig) -> None:
    """Put hand-made kernels in place of the first filters of a network, if the settings ask for them.

    Filter 0, 1, … of the first convolution becomes one of `core.model.handmade.KERNELS` each, alike for every input
    channel, with the norm of the random filter whose place it takes, so that signals keep their strength; further
    filters and the biases stay.

    Args:
        model: The network, changed in place.
        config: The settings.

    Raises:
        ConfigError: The network has no convolution, or one whose kernels no hand-made one fits.
    """
    if config.first_filters != "by_hand":
        return
    convolution = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    sizes = () if convolution is None else convolution.kernel_size
    if convolution is None or sizes[0] != sizes[1] or sizes[0] < 3 or sizes[0] % 2 == 0:
        what = "has no convolution" if convolution is None else f"begins with kernels of {sizes[0]} × {sizes[1]}"
        raise ConfigError(
            f"Hand-made kernels have an odd size of at least 3, but this network {what}: "
            "change the network, or let the first filters be random numbers."
        )
    weight = convolution.weight
    with torch.no_grad():
        for number, name in zip(range(len(weight)), KERNELS, strict=False):
            values = torch.tensor(kernel(name, sizes[0])).to(weight).expand(weight.shape[1:])
            weight[number] = values * (weight[number].norm() / values.norm())
