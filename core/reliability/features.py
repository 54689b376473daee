"""Logits and penultimate features of many images in one pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.influence import last_layer
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size, check_finite
from core.progress import Progress


@dataclass(frozen=True, eq=False)
class LogitsAndFeatures:
    """Logits (N, K) and penultimate features (N, F) of N images.

    Attributes:
        logits: The network's scores, float32 (N, K).
        features: What its last layer received, float32 (N, F); None where it does not end in a dense layer.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.logits)

    def at(self, chosen: slice) -> "LogitsAndFeatures":
        """Return the logits and features of some of the images."""
        return LogitsAndFeatures(self.logits[chosen], None if self.features is None else self.features[chosen])


@in_sentences("Asking the network")
def extract_features(
    model: nn.Module,
    pixels: Tensor,
    normalize: Callable[[Tensor], Tensor],
    *,
    progress: Progress | None = None,
) -> LogitsAndFeatures:
    """Return logits and features of images, computed in bounded batches; the network is left unchanged.

    Args:
        model: The network; its outputs are logits.
        pixels: uint8 (N, C, H, W), at least one.
        normalize: Turns pixels into what the network receives.
        progress: Called with the images passed and those to pass, after each batch; it may raise to cancel.

    Raises:
        ExplainError: A score is not a finite number.
    """
    twin = shallow_copy_for_hooks(model)
    features: list[Tensor] = []
    try:
        layer = twin.get_submodule(last_layer(twin))
        layer.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0].detach().float().cpu()))
    except ExplainError:
        layer = None
    device = next((weight.device for weight in twin.parameters()), pixels.device)
    logits: list[Tensor] = []
    for batch in pixels.split(batch_size(pixels)):
        with torch.no_grad():
            logits.append(twin(normalize(batch).to(device)).float().cpu())
        if progress is not None:
            progress(sum(map(len, logits)), len(pixels))
    flat = layer is not None and all(each.ndim == 2 for each in features)
    return LogitsAndFeatures(check_finite(torch.cat(logits)).numpy(), torch.cat(features).numpy() if flat else None)
