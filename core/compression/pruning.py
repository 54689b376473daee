"""Magnitude pruning of weights or filters by `torch.nn.utils.prune`."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import prune as torch_prune

from core.compression.ways import Pruning
from core.errors import ConfigError
from core.failures import in_sentences


@dataclass(frozen=True, eq=False)
class PrunedNetwork:
    """A pruned network with its masks.

    Attributes:
        model: The network with zeros in those places, in evaluation mode; it shares nothing with the original.
        masks: Which numbers stay, bool, by their names in the `state_dict`; what has no mask stays whole.
        filters: The filters taken away, by the name of their convolution; empty unless whole filters go.
    """

    model: nn.Module
    masks: Mapping[str, Tensor]
    filters: Mapping[str, tuple[int, ...]]

    @property
    def sparsity(self) -> float:
        """Share of the weights of convolutions and dense layers, biases not counted, that are zero."""
        weights = [module.weight for _, module in weighted(self.model)]
        zeros = sum(int((weight == 0).sum()) for weight in weights)
        return zeros / max(1, sum(weight.numel() for weight in weights))


def weighted(model: nn.Module) -> tuple[tuple[str, nn.Conv2d | nn.Linear], ...]:
    """Return the convolutions and dense layers by name, in their order."""
    return tuple((name, part) for name, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear))


@in_sentences("Pruning")
def prune(model: nn.Module, pruning: Pruning) -> PrunedNetwork:
    """Set the smallest weights, or all of the smallest filters, to zero in a copy of a network.

    With a filter go its bias and its batch norm's numbers, so that its map is zero; the layer that gives the logits
    and the projections of shortcuts keep all of theirs.

    Raises:
        ConfigError: There is nothing in the network that could be pruned so.
    """
    scratch = copy.deepcopy(model)
    layers = weighted(scratch)
    if not layers:
        raise ConfigError("This network has neither convolutions nor dense layers, so nothing of it can be pruned.")
    if pruning.kind == "filters":
        filters = _prune_filters(scratch, pruning.amount)
    else:
        filters = {}
        _prune_weights(layers, pruning)
    masks = {}
    for name, module in list(scratch.named_modules()):
        for key in ("weight", "bias"):
            if hasattr(module, f"{key}_mask"):
                masks[f"{name}.{key}".lstrip(".")] = getattr(module, f"{key}_mask").bool().clone()
                torch_prune.remove(module, key)
    copied = copy.deepcopy(model).eval()  # torch's pruning leaves the weights of a module in another order
    copied.load_state_dict(scratch.state_dict())
    return PrunedNetwork(copied, masks, filters)


def _prune_weights(layers: tuple[tuple[str, nn.Conv2d | nn.Linear], ...], pruning: Pruning) -> None:
    parts = [(module, "weight") for _, module in layers]
    if pruning.kind == "weights":
        count = round(pruning.amount * sum(module.weight.numel() for module, _ in parts))
        torch_prune.global_unstructured(parts, pruning_method=torch_prune.L1Unstructured, amount=count)
        return
    for module, key in parts:
        torch_prune.l1_unstructured(module, key, round(pruning.amount * module.weight.numel()))


def _prune_filters(model: nn.Module, amount: float) -> dict[str, tuple[int, ...]]:
    removed = {}
    for name, convolution, norm in prunable(model):
        total = convolution.out_channels
        torch_prune.ln_structured(convolution, "weight", min(round(amount * total), total - 1), n=2, dim=0)
        stays = convolution.get_buffer("weight_mask").flatten(1).any(dim=1)
        for owner in (convolution, norm):
            for key in ("weight", "bias"):
                if owner is not None and getattr(owner, key) is not None and not hasattr(owner, f"{key}_mask"):
                    torch_prune.custom_from_mask(owner, key, stays)
        removed[name] = tuple(torch.nonzero(~stays).flatten().tolist())
    if not removed:
        raise ConfigError(
            "This network has no convolution whose filters could go, as the last layer has to keep one for each class: "
            "prune single weights instead."
        )
    return removed


def prunable(model: nn.Module) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None]]:
    """Yield the convolutions whose filters may go, by name, each with the batch norm right behind it if any."""
    last = weighted(model)[-1][1]
    for outer, parent in model.named_modules():
        children = list(parent.named_children())
        for (name, module), (_, behind) in zip(children, [*children[1:], ("", None)], strict=False):
            if isinstance(module, nn.Conv2d) and module is not last and not outer.endswith("shortcut"):
                norm = behind if isinstance(behind, nn.BatchNorm2d) else None
                yield f"{outer}.{name}".lstrip("."), module, norm
