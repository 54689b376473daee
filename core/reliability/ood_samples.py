"""Out-of-distribution images made from a data set's own images, to measure a detector's detection rate."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.failures import in_sentences
from core.progress import Progress
from core.reliability.features import extract_features
from core.reliability.ood_detector import OodDetector

MAX_IMAGES = 300  # images of each kind: shares are then known to about three percentage points


@dataclass(frozen=True)
class OodKind:
    """One kind of out-of-distribution image.

    Attributes:
        title: What it is called on the screen.
        make: Makes them of images, uint8 (N, C, H, W), with a generator of its own.
    """

    title: str
    make: Callable[[Tensor, np.random.Generator], Tensor]


def _noise(images: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.integers(0, 256, tuple(images.shape), dtype=np.uint8))


def _inverted(images: Tensor, rng: np.random.Generator) -> Tensor:
    return 255 - images


def _shuffled(images: Tensor, rng: np.random.Generator) -> Tensor:
    count, channels, height, width = images.shape
    order = rng.permuted(np.tile(np.arange(height * width), (count, 1)), axis=1)
    flat = images.reshape(count, channels, -1).numpy()
    permuted = np.take_along_axis(flat, np.broadcast_to(order[:, None], flat.shape), axis=2)
    return torch.from_numpy(permuted.reshape(images.shape))


OOD_KINDS = {
    "noise": OodKind("Noise", _noise),
    "inverted": OodKind("Inverted", _inverted),
    "shuffled": OodKind("Pixels shuffled", _shuffled),
}


@in_sentences("Trying the alarm")
def detection_rate(
    model: nn.Module,
    alarm: OodDetector,
    images: Tensor,
    normalize: Callable[[Tensor], Tensor],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the share of each kind of `OOD_KINDS` that a detector recognises, 0 to 1.

    Args:
        model: The network.
        alarm: Learned from the same network.
        images: What the foreign pictures are made from, uint8 (N, C, H, W); at most `MAX_IMAGES` are used.
        normalize: Turns pixels into what the network receives.
        seed: What is drawn at random is drawn from it.
        progress: Called with the images passed and those to pass; it may raise to cancel.
    """
    images, rates, done = images[:MAX_IMAGES], dict[str, float](), 0
    for name, kind in OOD_KINDS.items():
        pixels = kind.make(images, np.random.default_rng(seed))
        tell = _further(progress, done, len(OOD_KINDS) * len(images))
        rates[name] = float(alarm.raised(extract_features(model, pixels, normalize, progress=tell)).mean())
        done += len(images)
    return rates


def _further(progress: Progress | None, before: int, total: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(before + done, total)
