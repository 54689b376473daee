"""Removal of pruned filters from the network: fewer filters in the spec, and the next layer's weights cut to match."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from core.compression.pruning import PrunedNetwork
from core.model.build import build_model
from core.model.layers import Activation, Backbone, BatchNorm, Conv, Dense, Flatten, Layer, Residual
from core.model.shapes import summarize
from core.model.spec import ModelSpec

_Places = dict[str, tuple[Tensor, ...]]  # of each tensor of the state: which places stay along its first dimensions


@dataclass(frozen=True, eq=False)
class CutNetwork:
    """A network without the filters that were pruned.

    Attributes:
        spec: Its stack.
        model: The network, in evaluation mode.
        masks: What is still only set to zero, as in `PrunedNetwork.masks`.
        removed: How many filters are gone, by the name of their convolution.
        only_masked: Why a convolution's filters are zero but still there, by its name.
    """

    spec: ModelSpec
    model: nn.Module
    masks: Mapping[str, Tensor]
    removed: Mapping[str, int]
    only_masked: Mapping[str, str]


def cut(spec: ModelSpec, pruned: PrunedNetwork) -> CutNetwork:
    """Return a network without its zero filters, wherever only the next layer reads them.

    The network gives the same logits as the masked one, but for rounding.

    Args:
        spec: The stack of the network that was pruned.
        pruned: What `prune` made of it.
    """
    reasons = {name: reason for name in pruned.filters if (reason := _obstacle(spec, name))}
    gone = {name: filters for name, filters in pruned.filters.items() if name not in reasons}
    layers = tuple(
        replace(layer, out_channels=layer.out_channels - len(gone.get(name, ()))) if isinstance(layer, Conv) else layer
        for name, layer in zip(spec.layer_names, spec.layers, strict=True)
    )
    smaller = replace(spec, layers=layers)
    places = _places(spec, gone)
    model = build_model(smaller)
    model.load_state_dict({name: _taken(tensor, places, name) for name, tensor in pruned.model.state_dict().items()})
    masks = {name: _taken(mask, places, name) for name, mask in pruned.masks.items()}
    left = {name: mask for name, mask in masks.items() if not mask.all()}
    return CutNetwork(smaller, model.eval(), left, {name: len(filters) for name, filters in gone.items()}, reasons)


def _obstacle(spec: ModelSpec, name: str) -> str:
    """Return why the filters of a convolution cannot be cut, or ""."""
    block, _, inner = name.partition(".")
    if inner and isinstance(spec.layers[spec.layer_names.index(block)], Backbone):
        return "a pretrained backbone keeps its shape"
    if name not in spec.layer_names:
        return "inside a residual block the sum needs every map"
    place = spec.layer_names.index(name)
    if getattr(spec.layers[place], "groups", 1) > 1:
        return "its filters work in groups"
    for steps, layer in enumerate(spec.layers[place + 1 :]):
        if isinstance(layer, Activation) and layer.function == "sigmoid":
            return "a sigmoid behind it turns the zeros of a missing filter into halves"
        if isinstance(layer, BatchNorm) and steps:
            return "a batch norm further behind turns the zeros of a missing filter into another number"
        if isinstance(layer, Residual):
            return "a residual block behind it needs every map for its shortcut"
        if isinstance(layer, Conv) and layer.groups > 1:
            return "the next convolution reads its maps in groups"
        if isinstance(layer, Conv | Dense):
            return ""
    return "its maps are the logits"


def _places(spec: ModelSpec, gone: Mapping[str, tuple[int, ...]]) -> _Places:
    """Return the indices that are left in each dimension of each parameter, by its name in the `state_dict`."""
    places: _Places = {}
    left = torch.arange(spec.input_shape[0])
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        name, shape = summary.name, summary.input_shape
        assert shape is not None  # the network was built
        if isinstance(layer, Conv):
            stays = torch.tensor([at for at in range(layer.out_channels) if at not in gone.get(name, ())])
            places[f"{name}.weight"] = (stays,) if layer.groups > 1 else (stays, left)
            places[f"{name}.bias"] = (stays,)
            left = stays
        elif isinstance(layer, Dense):
            places[f"{name}.weight"] = (torch.arange(layer.out_features), left)
            left = torch.arange(layer.out_features)
        elif isinstance(layer, BatchNorm):
            places |= {f"{name}.{key}": (left,) for key in ("weight", "bias", "running_mean", "running_var")}
        elif isinstance(layer, Backbone):
            left = torch.arange(summary.output_shape[0]) if summary.output_shape else left
        else:
            left = _outputs_left(layer, shape, left)
    return places


def _outputs_left(layer: Layer, shape: tuple[int, ...], left: Tensor) -> Tensor:
    if isinstance(layer, Flatten) and len(shape) == 3:  # every map becomes a stretch of numbers
        size = shape[1] * shape[2]
        return (left[:, None] * size + torch.arange(size)).flatten()
    return torch.arange(layer.out_channels) if isinstance(layer, Residual) else left


def _taken(tensor: Tensor, places: _Places, name: str) -> Tensor:
    for dimension, stays in enumerate(places.get(name, ())):
        tensor = tensor.index_select(dimension, stays)
    return tensor.clone()
