"""Features of many images at one layer, one row each, with the network's logits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ConvScopeError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.progress import Progress

PIXELS = "input"  # stands for the images themselves
MAX_FEATURES = 4096  # numbers of an image: of larger maps, only the mean of each is kept
_BATCH_PIXELS = 2**16  # pixels: 64 images of 32 × 32


@dataclass(frozen=True, eq=False)
class Features:
    """The features and logits of N images.

    Attributes:
        values: One row for each image, float32 (N, D).
        shape: What the layer puts out for one image: (C, H, W) or (D,).
        pooled: Whether each map was reduced to its mean, because all its places would be too many numbers.
        answers: The class that the network answers, int64 (N,).
        confidence: Its probability, float32 (N,).
    """

    values: NDArray[np.float32]
    shape: tuple[int, ...]
    pooled: bool
    answers: NDArray[np.int64]
    confidence: NDArray[np.float32]


@in_sentences("Reading a layer")
def layer_features(
    model: nn.Module,
    images: Tensor,
    layer: str,
    *,
    normalize: Callable[[Tensor], Tensor] | None = None,
    progress: Progress | None = None,
) -> Features:
    """Return a layer's outputs and the logits for many images, in one pass in bounded batches.

    The network is left as it was found.

    Args:
        model: The network; its outputs are logits.
        images: (N, C, H, W): normalised floats, or whatever `normalize` turns into them, batch by batch.
        layer: A name of `model.named_modules()`, or "input" for the images as the network receives them.
        progress: Called with the images done and all of them, after each batch; it may raise.

    Raises:
        ConvScopeError: The layer does not exist or has no part in the pass, there is no image, or some number that
            the network makes of the images is not finite.
    """
    twin, store = shallow_copy_for_hooks(model), list[Tensor]()
    if layer != PIXELS:
        if not layer or layer not in dict(twin.named_modules()):
            raise ConvScopeError(f"The network has no layer named {layer!r}: choose another one.")
        twin.get_submodule(layer).register_forward_hook(lambda _, given, output: store.append(output.detach().clone()))
    if len(images) < 1:
        raise ConvScopeError("There is no image to look at: choose a split that has some.")
    weight = next(model.parameters(), None)
    rows, answers, sure, shape = [], [], [], torch.Size()
    size = max(1, min(64, _BATCH_PIXELS // images.shape[-2:].numel()))
    for start in range(0, len(images), size):
        part = images[start : start + size] if normalize is None else normalize(images[start : start + size])
        with torch.no_grad():
            logits = twin(part if weight is None else part.to(weight.device, weight.dtype)).float()
        output = part if layer == PIXELS else _only(store, layer)
        shape = output.shape[1:]
        rows.append(_row(output).float().cpu())
        likely, best = logits.softmax(dim=1).max(dim=1)
        answers.append(best.cpu())
        sure.append(likely.cpu())
        if progress is not None:
            progress(min(start + size, len(images)), len(images))
    values, certain = torch.cat(rows).numpy(), torch.cat(sure).numpy()
    if not (np.isfinite(values).all() and np.isfinite(certain).all()):
        raise ConvScopeError(
            "What this network makes of the images is not finite, because its training ran away: train it again "
            "with a smaller learning rate, or choose an earlier epoch."
        )
    return Features(values, tuple(shape), _too_large(shape), torch.cat(answers).numpy(), certain)


def _only(store: list[Tensor], layer: str) -> Tensor:
    if not store:
        raise ConvScopeError(f"Layer {layer} has no part in the pass of this network: choose another one.")
    output = store[-1]
    store.clear()
    return output


def _too_large(shape: torch.Size) -> bool:
    return len(shape) > 1 and shape.numel() > MAX_FEATURES


def _row(output: Tensor) -> Tensor:
    return output.flatten(2).mean(dim=2) if _too_large(output.shape[1:]) else output.flatten(1)
