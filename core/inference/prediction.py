"""What a network says about some images."""

import time
from math import isfinite

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks

_PIXELS = 2**16  # in one batch: 64 images of 32 × 32


def batch_size(images: Tensor) -> int:
    """Return how many images (N, C, H, W) to pass through a network at once, so that memory stays bounded."""
    return max(1, min(64, _PIXELS // (images.shape[2] * images.shape[3])))


def finite(values: Tensor) -> bool:
    """Say whether all values are finite numbers."""
    # A sum is several times as quick to see through; only one that overflows needs a second look.
    return isfinite(float(values.sum())) or bool(torch.isfinite(values).all())


def check_images(images: Tensor, dimensions: int) -> None:
    """Raise `ExplainError` unless these are normalised images: floats of so many dimensions, all of them numbers."""
    shape = {3: "one image of shape (C, H, W)", 4: "images of shape (N, C, H, W)"}[dimensions]
    if images.ndim != dimensions or not images.is_floating_point():
        raise ExplainError(
            f"The network needs {shape} as normalised floats, not {images.dtype} of shape {tuple(images.shape)}: "
            "pass them through the data set's normalize first."
        )
    if not finite(images):
        raise ExplainError("The picture has values that are not finite numbers: choose another one.")


def check_finite(logits: Tensor) -> Tensor:
    """Return scores if all are numbers, else raise `ExplainError`."""
    if not finite(logits):
        raise ExplainError(
            "The network's scores are not finite numbers, because its training ran away: train it again "
            "with a smaller learning rate, or choose an earlier epoch."
        )
    return logits


@in_sentences("Asking the network")
def scores(model: nn.Module, images: Tensor) -> Tensor:
    """Return the logits of images (N, C, H, W): float32 (N, K) on the CPU, computed in bounded batches.

    The model must be in eval mode. Raises `ExplainError` if the images are not float images or a score is not
    a finite number.
    """
    check_images(images, 4)
    device = next((weight.device for weight in model.parameters()), images.device)
    with torch.no_grad():
        parts = [model(part.to(device, torch.float32)).float().cpu() for part in images.split(batch_size(images))]
    return check_finite(torch.cat(parts))


@in_sentences("Asking the network")
def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Return the probability of each class for each image.

    Dropout is off and batch norm uses its running statistics; the network is left as it was found.

    Args:
        model: The network; its outputs are logits.
        images: Normalised images, float (N, C, H, W).

    Returns:
        Softmax of the logits: float32 (N, K) on the CPU, rows summing to 1.

    Raises:
        ExplainError: The network's scores are not finite numbers, or the images are not float images.
    """
    return scores(shallow_copy_for_hooks(model), images).softmax(dim=1)


def pass_seconds(model: nn.Module, input_shape: tuple[int, int, int]) -> float:
    """Return how long one pass of one image (C, H, W) through a network takes here, among those of a whole batch.

    Whoever makes many passes makes them in batches of `batch_size`, where a small image takes a fraction of what it
    takes alone. It is the fastest of five: the slower ones tell of other work on the machine.
    """
    count = batch_size(torch.empty(1, *input_shape))
    twin, images, seconds = shallow_copy_for_hooks(model), torch.zeros(count, *input_shape), list[float]()
    with torch.no_grad():
        for _ in range(6):  # the first one warms up
            start = time.perf_counter()
            twin(images)
            seconds.append(time.perf_counter() - start)
    return min(seconds[1:]) / count
