"""Initial weights: random, hand-made first filters, or those of another network with pruning masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.model.handmade import KERNELS, kernel
from core.model.pretrained_backbone import backbone_in
from core.runs.checkpoint import BEGINNING, Checkpoint
from core.train.config import TrainConfig

_MASK = "mask/"  # before the names of the masks among the tensors of a training


def begin(model: nn.Module, config: TrainConfig) -> None:
    """Put hand-made kernels in place of the first filters of a network, if the settings ask for them.

    Filter 0, 1, … of the first convolution becomes one of `core.model.handmade.KERNELS` each, alike for every input
    channel, with the norm of the random filter whose place it takes, so that signals keep their strength; further
    filters and the biases stay.

    Args:
        model: The network, changed in place.
        config: The settings.

    Raises:
        ConfigError: The network has no convolution, one whose kernels no hand-made one fits, or a pretrained backbone.
    """
    if config.first_filters != "by_hand":
        return
    if backbone_in(model):
        raise ConfigError(
            "The first filters of this network come from its pretrained backbone: let the first filters be as they are."
        )
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


@dataclass(frozen=True, eq=False)
class InitialWeights:
    """Where a training's initial weights come from, and which of them stay zero; empty for random ones.

    Attributes:
        words: Where its weights come from, one line.
        masks: Which of them may change, bool, by their names in the `state_dict`; the others stay what they are.
    """

    words: str = ""
    masks: Mapping[str, Tensor] = field(default_factory=dict)

    def hold(self, model: nn.Module) -> None:
        """Zero the gradients of masked weights, so that no optimiser changes them."""
        for name, mask in self.masks.items():
            gradient = model.get_parameter(name).grad
            if gradient is not None:
                gradient.mul_(mask)

    def tensors(self) -> dict[str, Tensor]:
        """Return the masks as checkpoint tensors."""
        return {_MASK + name: mask for name, mask in self.masks.items()}

    def meta(self) -> dict[str, str]:
        """Return the source as checkpoint metadata."""
        return {BEGINNING: self.words} if self.words else {}

    @classmethod
    def of(cls, checkpoint: Checkpoint, device: torch.device | str = "cpu") -> "InitialWeights":
        """Read masks and source from a checkpoint."""
        masks = {
            name.removeprefix(_MASK): mask.to(device)
            for name, mask in checkpoint.training.items()
            if name.startswith(_MASK)
        }
        return cls(checkpoint.meta.get(BEGINNING, ""), masks)


def first_checkpoint(weights: Mapping[str, Tensor], initial: InitialWeights, config: TrainConfig) -> Checkpoint:
    """Return the checkpoint of step 0 for a training that begins with given weights.

    Saved as the latest checkpoint of a new run, its worker goes on from there; the same weights, masks and settings
    lead to the same end.

    Args:
        weights: The `state_dict` to begin with.
        initial: Where they come from, and which may change.
        config: The settings of the training; its seed decides the order of the images.

    Raises:
        ConfigError: A mask belongs to no weight, or a weight that is to stay is not zero.
    """
    for name, mask in initial.masks.items():
        fits = name in weights and weights[name].shape == mask.shape and mask.dtype is torch.bool
        if not fits or bool(weights[name][~mask].any()):
            raise ConfigError(f"The mask of {name[:40]} does not fit the weights: prune the network again.")
    state = initial.tensors() | {"random": torch.Generator().manual_seed(config.seed).get_state()}
    meta = {"step": "0", "seconds": "0.0", "config": config.to_json()} | initial.meta()
    return Checkpoint(dict(weights), state, meta)
