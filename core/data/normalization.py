"""From pixels to the values that a network receives, which exported scripts print from here, and back."""

from collections.abc import Sequence

import torch
from torch import Tensor


def normalized(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return images (..., C, H, W), uint8 or floats from 0 to 1, less the mean and divided by std, float32.

    `mean` and `std` have a value for each channel, of pixels from 0 to 1.
    """
    means, deviations = torch.tensor([mean, std], dtype=torch.float32, device=images.device)[..., None, None]
    unit = images if images.is_floating_point() else images.to(torch.float32).div_(255)
    return unit.sub(means).div_(deviations)


def denormalized(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return the pixels of images that `normalized` returned, uint8 (..., C, H, W), rounded and clipped to 0..255."""
    means, deviations = torch.tensor([mean, std], dtype=torch.float32, device=images.device)[..., None, None]
    return (images.to(torch.float32) * deviations + means).mul_(255).round_().clamp_(0, 255).to(torch.uint8)
