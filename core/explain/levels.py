"""Pictures in whole levels of brightness, as files and screens hold them, before a network and after a change."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from core.data.normalization import normalized
from core.errors import ExplainError
from core.model.twin import twin_of


class FromUnit(nn.Module):
    """A network that takes pixels from 0 to 1: the valid range is then the same for every channel, as Captum wants."""

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network, self.mean, self.std = network, mean, std
        self.device = next((weight.device for weight in network.parameters()), torch.device("cpu"))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(normalized(images, self.mean, self.std))
        return logits


def front_of(model: nn.Module, pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> FromUnit:
    """Put the way from pixels to normalised images before a copy of a network; raises `ExplainError`."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 3:
        raise ExplainError(f"Attack one picture of shape (C, H, W) in whole levels, not {tuple(pixels.shape)}.")
    if len(mean) != len(pixels) or len(std) != len(pixels):
        raise ExplainError(f"A picture of {len(pixels)} channels needs as many means and deviations.")
    return FromUnit(twin_of(model), mean, std).eval()


def whole_levels(change: Tensor, strength: int, norm: Literal["linf", "l2"]) -> Tensor:
    """Round a change (…) in levels to whole ones without leaving the ball of this strength.

    Rounding to the nearest level can lengthen a change by a little; then those values that it moved farthest outwards
    are brought back by one level each, until the whole is short enough.
    """
    levels = change.round()
    if norm == "linf":
        return levels.clamp(-strength, strength)
    sizes = levels.abs().flatten()
    excess = float((sizes.double() ** 2).sum()) - strength**2
    if excess <= 0:
        return levels
    outwards = (sizes - change.abs().flatten()).masked_fill(sizes == 0, -torch.inf)
    order = outwards.argsort(descending=True)
    saved = (2 * sizes[order].double() - 1).clamp(min=0).cumsum(dim=0)  # of the squared length
    count = int((saved < excess).sum()) + 1
    sizes[order[:count]] -= 1
    return sizes.reshape(change.shape) * levels.sign()
