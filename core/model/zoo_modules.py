"""Pretrained networks in which every activation is a module of its own, used once and never in place.

A hook on a module that is called twice sees the second call only, and one behind a module that works in place sees
what the next has made of its numbers. The networks compute the same as before.
"""

from functools import cache
from typing import Any

from torch import Tensor, nn

from core.compat import import_torchvision


def one_module_per_use(model: nn.Module) -> nn.Module:
    """Give the blocks of a ResNet an activation for each use, switch off what works in place; returns the network."""
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


def lite0() -> nn.Module:
    """Build EfficientNet-Lite0 with fresh weights, its activations apart."""
    Network, _ = _lite()
    model = Network.from_name("efficientnet-lite0")
    model.own_activations()
    found: nn.Module = model
    return found


@cache
def _lite() -> tuple[Any, Any]:
    from efficientnet_lite_pytorch.model import EfficientNet, MBConvBlock

    class InvertedResidual(MBConvBlock):
        def own_activations(self) -> None:
            del self._swish
            if self._block_args.expand_ratio != 1:
                self._relu0 = nn.ReLU6()
            self._relu1 = nn.ReLU6()
            args = self._block_args
            stays = args.stride in (1, [1]) and args.input_filters == args.output_filters
            self.shortcut = self.id_skip and stays

        def forward(self, images: Tensor, drop_connect_rate: float | None = None) -> Tensor:
            maps = images
            if self._block_args.expand_ratio != 1:
                maps = self._relu0(self._bn0(self._expand_conv(maps)))
            maps = self._relu1(self._bn1(self._depthwise_conv(maps)))
            maps = self._bn2(self._project_conv(maps))
            return maps + images if self.shortcut else maps

    class EfficientNetLite(EfficientNet):
        def own_activations(self) -> None:
            del self._swish
            self._relu0, self._relu1 = nn.ReLU6(), nn.ReLU6()
            for block in self._blocks:
                block.__class__ = InvertedResidual
                block.own_activations()

        def extract_features(self, inputs: Tensor) -> Tensor:
            maps = self._relu0(self._bn0(self._conv_stem(inputs)))
            for block in self._blocks:
                maps = block(maps)
            return self._relu1(self._bn1(self._conv_head(maps)))

    return EfficientNetLite, InvertedResidual
