"""Influence of training images on a prediction: TracIn over checkpoints, and similarity of penultimate features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ExplainError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size
from core.progress import Progress

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint of a network with its learning rate.

    Attributes:
        load: Returns it.
        weight: How far a gradient moved the weights around then: the learning rate, times the epochs that this snapshot
            stands for.
    """

    load: Callable[[], nn.Module]
    weight: float


@dataclass(frozen=True)
class LabeledImages:
    """Images (N, C, H, W) uint8 with labels (N,).

    Attributes:
        pixels: uint8 (N, C, H, W).
        labels: int64 (N,), the classes they were trained on.
        normalize: Turns pixels into what a network receives.
    """

    pixels: Tensor
    labels: Tensor
    normalize: Callable[[Tensor], Tensor]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield normalised images and their labels in bounded batches."""
        size = batch_size(self.pixels)
        for pixels, labels in zip(self.pixels.split(size), self.labels.split(size), strict=True):
            yield self.normalize(pixels), labels


def last_layer(model: nn.Module) -> str:
    """Return the name of the last layer with weights, whose outputs are the logits.

    Raises:
        ExplainError: It is not a dense layer.
    """
    named = [
        (name, module)
        for name, module in model.named_modules()
        if any(True for _ in module.parameters(recurse=False))
        and not isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    if not named or not isinstance(named[-1][1], nn.Linear):
        raise ExplainError(
            "This network does not end in a dense layer, and only for that can the share of each training image be "
            "summed up: choose another network, or end it with a dense layer in Build."
        )
    return named[-1][0]


@in_sentences("Tracing training images")
def tracin(
    snapshots: Sequence[Snapshot],
    images: LabeledImages,
    image: Tensor,
    target: int,
    loss: Loss,
    *,
    progress: Progress | None = None,
) -> Tensor:
    """Return the TracIn influence of each training image on the score of a class for one image.

    TracInCP (Pruthi et al. 2020, arXiv:2002.08484, equation 1) over the weights and bias of the last layer: the sum
    over snapshots of weight · ∇loss(training image) · ∇loss(image, target). Positive: a plain gradient step on the
    training image lowers the loss of `target`, so it is a proponent; negative: it raises it, an opponent. Rules such
    as Adam take other steps, of which this is an approximation.

    Args:
        snapshots: The network at its checkpoints, at least one.
        images: The training images.
        image: Normalised image, float (C, H, W).
        target: The class that it is to be explained as.
        loss: (N, K) logits and (N,) labels to the mean loss, as in the training.
        progress: Called with the images looked through and those of all snapshots; it may raise to cancel.

    Returns:
        float64 (N,).

    Raises:
        ExplainError: There is no snapshot, the network does not end in a dense layer, or numbers are not finite.
    """
    if not snapshots:
        raise ExplainError("No checkpoint of this training is left, so nothing is known of how it learned.")
    total, done = len(snapshots) * len(images), 0
    influence = torch.zeros(len(images), dtype=torch.float64)
    for snapshot in snapshots:
        model = shallow_copy_for_hooks(snapshot.load())
        inputs, slopes = _last_layer_gradient(model, image[None], torch.tensor([target]), loss)
        start = 0
        for batch, labels in images.batches():
            if progress is not None:
                progress(done, total)
            theirs, steps = _last_layer_gradient(model, batch, labels, loss)
            # Both gradients are outer products: (slope ⊗ (input, 1)) · (slope' ⊗ (input', 1)).
            products = (steps @ slopes[0]) * (theirs @ inputs[0] + _biased(model))
            influence[start : start + len(labels)] += snapshot.weight * products
            start, done = start + len(labels), done + len(labels)
    if progress is not None:
        progress(total, total)
    if not torch.isfinite(influence).all():
        raise ExplainError("The gradients of this training are not finite numbers: choose a run that did not run away.")
    return influence


@in_sentences("Looking for the nearest images")
def similarity(model: nn.Module, images: LabeledImages, image: Tensor, *, progress: Progress | None = None) -> Tensor:
    """Return the cosine similarity of each training image's penultimate features to those of one image, −1 to 1.

    That is the cosine between what the last layer receives for the two.

    Args:
        model, images, image, progress: As in `tracin`.

    Returns:
        float64 (N,); 0 where the layer receives nothing but zeros.

    Raises:
        ExplainError: The network does not end in a dense layer.
    """
    twin = shallow_copy_for_hooks(model)
    own = _last_inputs(twin, image[None])[0].double()
    cosines, done = [], 0
    for batch, labels in images.batches():
        if progress is not None:
            progress(done, len(images))
        cosines.append(functional.cosine_similarity(_last_inputs(twin, batch)[0].double(), own, dim=1, eps=1e-12))
        done += len(labels)
    if progress is not None:
        progress(len(images), len(images))
    return torch.cat(cosines)


def _biased(model: nn.Module) -> int:
    return int(model.get_submodule(last_layer(model)).bias is not None)


def _last_inputs(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the last layer's input (N, F), its output (N, K), and the logits (N, K).

    The logits know how they came from the layer's output and nothing of what was before, which costs no memory.
    """
    layer = model.get_submodule(last_layer(model))
    passed: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        passed[:] = inputs[0].detach(), output.detach().requires_grad_()
        torch.set_grad_enabled(True)  # until the end of the pass
        return passed[1].clone()

    device = next(weight.device for weight in model.parameters())
    handle = layer.register_forward_hook(keep)
    try:
        with torch.no_grad():
            logits = model(images.to(device))
    finally:
        handle.remove()
    if passed[0].ndim != 2:
        raise ExplainError("The last layer of this network answers at many places, so an image has no single gradient.")
    return passed[0], passed[1], logits


def _last_layer_gradient(model: nn.Module, images: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """Return the two factors of the last layer's gradient for each image: its input (N, F) and its slope (N, K)."""
    inputs, outputs, logits = _last_inputs(model, images)
    with torch.enable_grad():
        total = loss(logits, labels.to(logits.device)) * len(labels)  # the sum over images
        (slopes,) = torch.autograd.grad(total, outputs)
    return inputs.double(), slopes.double()
