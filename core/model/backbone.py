"""The first blocks of a pretrained network as a layer; `core.model.export` prints this source as it stands here."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PixelInput(nn.Module):
    """Makes of pixels from 0 to 1 what a pretrained network takes: three channels, its size, its mean and deviation.

    Args:
        sides: (H, W) that images are resized to, bilinear and without antialiasing; None leaves them as they are.
        mean: Of each of three channels of pixels from 0 to 1, what is subtracted.
        std: What the differences are divided by.
    """

    def __init__(self, sides: tuple[int, int] | None, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.sides = sides
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean, device="cpu").view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, device="cpu").view(-1, 1, 1), persistent=False)

    def extra_repr(self) -> str:
        """Return the size in words."""
        return f"sides={self.sides}"

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 1 or 3, H, W) to (N, 3, H', W'); a grey one to three equal channels."""
        if self.sides is not None:
            images = nn.functional.interpolate(images, self.sides, mode="bilinear", align_corners=False)
        return (images - self.mean) / self.std


class Backbone(nn.Sequential):
    """Blocks of a pretrained network, called "block1", "block2", …, behind the "pixels" that they take.

    The blocks before `train_from`, counted from 1, are frozen; with 0 all are. They stay in evaluation mode, whatever
    mode the network is put into, and their weights ask for no gradient; gradients still pass through to the pixels.
    """

    def __init__(self, blocks: Sequence[nn.Module], pixels: PixelInput, train_from: int) -> None:
        named = [(f"block{number}", block) for number, block in enumerate(blocks, start=1)]
        super().__init__(OrderedDict([("pixels", pixels), *named]))
        self.source = ""  # which network they come from, where their weights are that network's
        self.num_frozen = train_from - 1 if train_from else len(named)
        for _, block in named[: self.num_frozen]:
            block.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Backbone":
        """Put the blocks that train into training or evaluation mode; the others stay in evaluation mode."""
        super().train(mode)
        for number, module in enumerate(self.children()):
            if number <= self.num_frozen:
                module.eval()
        return self


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """Return the blocks of a pretrained network before its pooling and classifier, in order; they share its weights.

    Layers without weights, and a batch norm, belong to the block in front of them.
    """
    if hasattr(network, "blocks"):  # EfficientNet-Lite0
        return [network.stem, *network.blocks, network.head]  # type: ignore[list-item, misc]
    if hasattr(network, "layer1"):  # ResNet
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)  # type: ignore[arg-type]
        layers = (network.layer1, network.layer2, network.layer3, network.layer4)
        return [stem, *(block for layer in layers for block in layer)]  # type: ignore[union-attr]
    if hasattr(network, "stage2"):  # ShuffleNet
        stem = nn.Sequential(network.conv1, network.maxpool)  # type: ignore[arg-type]
        stages = (network.stage2, network.stage3, network.stage4)
        return [stem, *(block for stage in stages for block in stage), network.conv5]  # type: ignore[union-attr, list-item]
    blocks: list[list[nn.Module]] = []
    for module in network.features.children():  # type: ignore[union-attr]
        begins = isinstance(module, nn.Conv2d) or next(module.children(), None) is not None
        if begins or not blocks:
            blocks.append([])
        blocks[-1].append(module)
    if hasattr(network.features, "norm5"):  # DenseNet, which applies ReLU behind its last batch norm by a function
        blocks[-1].append(nn.ReLU())
    return [block[0] if len(block) == 1 else nn.Sequential(*block) for block in blocks]
