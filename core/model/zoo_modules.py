"""Pretrained networks in which every activation is a module of its own, used once and never in place.

A hook on a module that is called twice sees the second call only, and one behind a module that works in place sees
what the next has made of its numbers. The networks compute the same as before.
"""

from collections import OrderedDict
from functools import cache
from typing import Any

from torch import Tensor, nn

from core.compat import import_torchvision


def one_module_per_use(model: nn.Module) -> nn.Module:
    """Return a network with an activation for each use, none of which works in place; the weights stay the same."""
    basic, bottleneck = _residual_blocks()
    module: Any
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
        for kind in (basic, bottleneck):
            if type(module) is kind.__base__:
                module.__class__ = kind
                module.own_activations()
    return model


@cache
def _residual_blocks() -> tuple[Any, Any]:
    resnet = import_torchvision().models.resnet

    class BasicBlock(resnet.BasicBlock):  # type: ignore[name-defined]
        def own_activations(self) -> None:
            del self.relu
            self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

        def forward(self, images: Tensor) -> Tensor:
            maps = self.relu1(self.bn1(self.conv1(images)))
            maps = self.bn2(self.conv2(maps))
            return self.relu2(maps + (images if self.downsample is None else self.downsample(images)))

    class Bottleneck(resnet.Bottleneck):  # type: ignore[name-defined]
        def own_activations(self) -> None:
            del self.relu
            self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

        def forward(self, images: Tensor) -> Tensor:
            maps = self.relu1(self.bn1(self.conv1(images)))
            maps = self.relu2(self.bn2(self.conv2(maps)))
            maps = self.bn3(self.conv3(maps))
            return self.relu3(maps + (images if self.downsample is None else self.downsample(images)))

    return BasicBlock, Bottleneck


class Lite0(nn.Module):
    """EfficientNet-Lite0 (Google 2020), with fresh weights: EfficientNet-B0 without its gates, ReLU6 for swish.

    The widths are those of `models/official/efficientnet/lite` in github.com/tensorflow/tpu.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _stack(conv=_convolution(3, 32, 3, stride=2), bn=_norm(32), relu=nn.ReLU6())
        blocks: list[nn.Module] = []
        width = 32
        for repeats, kernel_size, stride, expansion, out_channels in _STAGES:
            for place in range(repeats):
                step = stride if place == 0 else 1
                blocks.append(InvertedResidual(width, out_channels, kernel_size, step, expansion))
                width = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.head = _stack(conv=_convolution(width, 1280, 1), bn=_norm(1280), relu=nn.ReLU6())
        self.pool, self.flatten, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)
        self.classifier = nn.Linear(1280, 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, 1000) of normalised images (N, 3, 224, 224)."""
        maps = self.head(self.blocks(self.stem(images)))
        logits: Tensor = self.classifier(self.dropout(self.flatten(self.pool(maps))))
        return logits


# Stages of Lite0: blocks, kernel size, stride of the first block, expansion, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class InvertedResidual(nn.Module):
    """Widen, filter each map by itself, narrow; with a shortcut where the shape stays (Sandler et al. 2018)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.shortcut = stride == 1 and in_channels == out_channels
        self.expand = (
            nn.Identity()
            if expansion == 1
            else _stack(conv=_convolution(in_channels, wide, 1), bn=_norm(wide), relu=nn.ReLU6())
        )
        depthwise = _convolution(wide, wide, kernel_size, stride=stride, groups=wide)
        self.depthwise = _stack(conv=depthwise, bn=_norm(wide), relu=nn.ReLU6())
        self.project = _stack(conv=_convolution(wide, out_channels, 1), bn=_norm(out_channels))

    def forward(self, images: Tensor) -> Tensor:
        """Return maps of the images, as wide and high or half of it."""
        maps: Tensor = self.project(self.depthwise(self.expand(images)))
        return maps + images if self.shortcut else maps


class FarPaddedConv2d(nn.Conv2d):
    """A convolution of stride 2 with TensorFlow's padding "same" for even sides: one more zero at the far sides."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, groups: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=2, groups=groups, bias=False)
        near = (kernel_size - 2) // 2
        self.static_padding = nn.ZeroPad2d((near, kernel_size - 2 - near) * 2)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (N, out_channels, H / 2, W / 2) of images (N, in_channels, H, W)."""
        return super().forward(self.static_padding(images))


def _convolution(
    in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    if stride == 2:
        return FarPaddedConv2d(in_channels, out_channels, kernel_size, groups)
    padding = kernel_size // 2
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _stack(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


def lite0() -> nn.Module:
    """Build EfficientNet-Lite0 with fresh weights."""
    return Lite0()
