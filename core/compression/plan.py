"""Applies a compression plan: prune, cut, quantise, in this order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from core.compression.cutting import cut
from core.compression.pruning import PrunedNetwork, prune, weighted
from core.compression.quantization import quantize
from core.compression.ways import CompressionPlan, Pruning
from core.explain.metrics.pointing_game import Rate, wilson
from core.failures import in_sentences
from core.inference.prediction import batch_size, scores
from core.model.spec import ModelSpec


@dataclass(frozen=True)
class LayerCompression:
    """Weights and filters of one layer before and after compression.

    Attributes:
        name: The layer.
        before, after: Its weights, biases not counted; those that were only set to zero are in both.
        zeros: How many of `after` are zero.
        filters: How many filters it had, and how many it has; None for a dense layer.
        reason: Why its filters are zero but still there; empty where they are not.
    """

    name: str
    before: int
    after: int
    zeros: int
    filters: tuple[int, int] | None
    reason: str


@dataclass(frozen=True, eq=False)
class CompressedNetwork:
    """A network made smaller.

    Attributes:
        spec: Its stack, with fewer filters where some were cut.
        model: The network, in evaluation mode; it shares nothing with the original.
        floats: The same before it was quantised: what can be trained further.
        masks: Which numbers of `floats` were pruned but are still there, as in `PrunedNetwork.masks`.
        layers: What each layer lost.
        sparsity: Share of the weights that are zero, of those that are left.
    """

    spec: ModelSpec
    model: nn.Module
    floats: nn.Module
    masks: Mapping[str, Tensor]
    layers: tuple[LayerCompression, ...]
    sparsity: float


@in_sentences("Compression")
def compress(
    spec: ModelSpec,
    model: nn.Module,
    plan: CompressionPlan,
    calibration: Tensor,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> CompressedNetwork:
    """Return a compressed copy of a network.

    Args:
        spec: Its stack.
        model: The network, made of that stack.
        plan: How.
        calibration: Normalised images (N, C, H, W) that set the ranges of int8.
        progress: Called with how many calibration images were seen; what it raises ends the work.

    Raises:
        ConfigError: It cannot be made smaller so.
    """
    pruned = prune(model, plan.pruning or Pruning("weights", 0.0))
    result = cut(spec, pruned)
    whole = quantize(result.model, calibration, progress=progress) if plan.int8 else result.model
    layers = tuple(_losses(model, result.model, result.only_masked))
    return CompressedNetwork(
        result.spec, whole, result.model, result.masks, layers, PrunedNetwork(result.model, {}, {}).sparsity
    )


def _losses(before: nn.Module, after: nn.Module, reasons: Mapping[str, str]) -> Iterator[LayerCompression]:
    for (name, old), (_, new) in zip(weighted(before), weighted(after), strict=True):
        filters = (len(old.weight), len(new.weight)) if isinstance(old, nn.Conv2d) else None
        zeros = int((new.weight == 0).sum())
        yield LayerCompression(name, old.weight.numel(), new.weight.numel(), zeros, filters, reasons.get(name, ""))


@in_sentences("Compression")
def sweep(
    model: nn.Module,
    kind: str,
    amounts: tuple[float, ...],
    images: Tensor,
    labels: Tensor,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Rate, ...]:
    """Return the accuracy of a network pruned to each of several shares, each time from the original.

    Args:
        model: The network; it stays as it is.
        kind: Key of `PRUNINGS`.
        amounts: The shares.
        images: Normalised, float (N, C, H, W).
        labels: The true classes, (N,).
        progress: Called with how much is done; what it raises ends the work.
    """
    rates, step = [], batch_size(images)
    total = len(amounts) * len(images)
    for place, amount in enumerate(amounts):
        smaller, right = prune(model, Pruning(kind, amount)).model, 0
        for start in range(0, len(images), step):
            answers = scores(smaller, images[start : start + step]).argmax(dim=1)
            right += int((answers == labels[start : start + step]).sum())
            if progress is not None:
                progress(place * len(images) + min(start + step, len(images)), total)
        rates.append(wilson(right, len(images)))
    return tuple(rates)
