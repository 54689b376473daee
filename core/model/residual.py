"""The one module that PyTorch does not have; `core.model.export` prints its source as it stands here."""

from collections import OrderedDict

import torch
from torch import nn


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to a shortcut (He et al. 2015, "Deep residual learning")."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(OrderedDict([("conv", projection), ("bn", nn.BatchNorm2d(out_channels))]))
        self.relu2 = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        maps = self.relu1(self.bn1(self.conv1(images)))
        maps = self.bn2(self.conv2(maps))
        return self.relu2(maps + self.shortcut(images))
