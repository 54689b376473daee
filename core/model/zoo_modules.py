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
    if hasattr(model, "_conv_stem"):
        model = Lite0(model)
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
    """Build EfficientNet-Lite0 as its package does, with fresh weights."""
    from efficientnet_lite_pytorch.model import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    return network


class Lite0(nn.Module):
    """EfficientNet-Lite0 made of the modules of its package, with names of ours and an activation for each use."""

    def __init__(self, theirs: Any) -> None:
        super().__init__()
        self.stem = _stack(conv=theirs._conv_stem, bn=theirs._bn0, relu=nn.ReLU6())
        self.blocks = nn.Sequential(*map(InvertedResidual, theirs._blocks))
        self.head = _stack(conv=theirs._conv_head, bn=theirs._bn1, relu=nn.ReLU6())
        self.pool, self.flatten = theirs._avg_pooling, nn.Flatten()
        self.dropout, self.classifier = theirs._dropout, theirs._fc

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, 1000) of normalised images (N, 3, 224, 224)."""
        maps = self.head(self.blocks(self.stem(images)))
        logits: Tensor = self.classifier(self.dropout(self.flatten(self.pool(maps))))
        return logits


class InvertedResidual(nn.Module):
    """Widen, filter each map by itself, narrow; with a shortcut where the shape stays (Sandler et al. 2018)."""

    def __init__(self, theirs: Any) -> None:
        super().__init__()
        args = theirs._block_args
        stays = args.stride in (1, [1]) and args.input_filters == args.output_filters
        self.shortcut = bool(theirs.id_skip and stays)
        wide = args.expand_ratio != 1
        self.expand = _stack(conv=theirs._expand_conv, bn=theirs._bn0, relu=nn.ReLU6()) if wide else nn.Identity()
        self.depthwise = _stack(conv=theirs._depthwise_conv, bn=theirs._bn1, relu=nn.ReLU6())
        self.project = _stack(conv=theirs._project_conv, bn=theirs._bn2)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps of the images, as wide and high or half of it."""
        maps: Tensor = self.project(self.depthwise(self.expand(images)))
        return maps + images if self.shortcut else maps


def _stack(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))
