"""A backbone with the weights of its pretrained network, and what of a network stays what these are."""

import copy
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from core.errors import ZooError
from core.model.backbone import Backbone, PixelInput, blocks_of
from core.model.backbone_shapes import resized
from core.model.layers import Backbone as BackboneLayer
from core.model.spec import Shape
from core.model.zoo import FETCH, zoo_info
from core.model.zoo_weights import load_pretrained


def make_backbone(layer: BackboneLayer, input_shape: Shape) -> Backbone:
    """Return the module of a backbone with its pretrained weights, for images (C, H, W), in training mode.

    Raises:
        ZooError: The weights are not on this computer.
        StorageError: They are damaged.
    """
    info = zoo_info(layer.network)
    blocks = copy.deepcopy(_pretrained(layer.network)[: layer.up_to or None])
    pixels = PixelInput(resized(layer, input_shape[1:]), info.mean, info.std)
    module = Backbone(blocks, pixels, layer.train_from)
    module.source = f"{info.name} {info.sha256}"
    return module


def backbone_weights(network: str) -> dict[str, Tensor]:
    """Return the weights of all blocks of a pretrained network, named as in the `state_dict` of a whole backbone.

    Raises what `make_backbone` raises.
    """
    named = enumerate(_pretrained(network), start=1)
    return {f"block{number}.{name}": tensor for number, block in named for name, tensor in block.state_dict().items()}


@lru_cache(maxsize=1)
def _pretrained(name: str) -> tuple[nn.Module, ...]:
    info = zoo_info(name)
    if not info.is_here:
        raise ZooError(f"The weights of {info.title} are not on this computer yet: {FETCH}")
    return tuple(blocks_of(load_pretrained(name)))


def backbone_in(model: nn.Module) -> tuple[str, Backbone] | None:
    """Return the backbone that a network begins with, and what it is called there; None where it has none."""
    name, first = next(iter(model.named_children()), ("", None))
    return (name, first) if isinstance(first, Backbone) else None


def source_of(model: nn.Module) -> str:
    """Return the pretrained network that the backbone of a network comes from and its checksum, or nothing."""
    found = backbone_in(model)
    return found[1].source if found else ""


def frozen_names(model: nn.Module) -> frozenset[str]:
    """Return the entries of a network's `state_dict` that no training changes: those of its frozen blocks."""
    found = backbone_in(model)
    if found is None:
        return frozenset()
    name, backbone = found
    blocks = list(backbone.named_children())[1 : backbone.num_frozen + 1]
    return frozenset(f"{name}.{block}.{entry}" for block, module in blocks for entry in module.state_dict())


def unchanged_names(model: nn.Module) -> frozenset[str]:
    """Return `frozen_names` where all of these still are the weights of the pretrained network, else nothing.

    They need not be kept with what was trained: whoever builds the network has them.
    """
    found, frozen = backbone_in(model), frozen_names(model)
    if found is None or not frozen or not found[1].source:
        return frozenset()
    name, backbone = found
    network = backbone.source.partition(" ")[0]
    pretrained, state = backbone_weights(network), model.state_dict()
    same = all(torch.equal(state[key].cpu(), pretrained[key.removeprefix(f"{name}.")]) for key in frozen)
    return frozen if same else frozenset()


def frozen_front(model: nn.Module) -> "tuple[nn.Sequential, nn.Sequential] | None":
    """Split a network into the layers in front that make the same of an image in every step, and the rest.

    That are the frozen blocks of its backbone, and, where all of them are, the layers behind that have no weights and
    draw nothing. Both share their layers with the network, whose names the rest has. None where there is no such
    front, or nothing behind it.
    """
    found = backbone_in(model)
    if found is None or not found[1].num_frozen:
        return None
    name, backbone = found
    inside, behind = list(backbone.named_children()), list(model.named_children())[1:]
    front, rest = inside[: backbone.num_frozen + 1], inside[backbone.num_frozen + 1 :]
    if rest:
        return _sequence(front), _sequence([(name, _sequence(rest)), *behind])
    while behind and _is_fixed(behind[0][1]):
        front.append(behind.pop(0))
    return (_sequence(front), _sequence(behind)) if behind else None


def _sequence(named: Sequence[tuple[str, nn.Module]]) -> nn.Sequential:
    sequence = nn.Sequential()
    for name, module in named:
        sequence.add_module(name, module)
    return sequence


def _is_fixed(module: nn.Module) -> bool:
    """Whether a layer has neither weights nor statistics, and gives the same in training as in evaluation."""
    random = any(isinstance(part, nn.modules.dropout._DropoutNd) for part in module.modules())
    return not random and not module.state_dict()
