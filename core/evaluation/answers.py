"""Logits of a network for a whole split, with the predictions, probabilities and losses derived from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import Tensor, nn

from core.errors import EvaluationError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size, check_finite
from core.progress import Progress

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """The scores of a network for images whose classes are known, in the order of the split.

    Attributes:
        logits: float32 (N, K), finite.
        labels: int64 (N,), the true classes, 0 to K − 1.

    Raises:
        EvaluationError: There is no image, the shapes do not fit, or a label is none of the classes.
    """

    logits: NDArray[np.float32]
    labels: Whole

    def __post_init__(self) -> None:
        if not len(self.labels):
            raise EvaluationError(
                "There is no image in this split, so there is nothing to judge: choose the other one."
            )
        if self.logits.ndim != 2 or len(self.logits) != len(self.labels):
            raise EvaluationError(
                f"{len(self.labels)} labels do not fit scores of shape {self.logits.shape}: "
                "there must be one row of scores for each image."
            )
        if self.labels.min() < 0 or self.labels.max() >= self.num_classes:
            raise EvaluationError(
                f"The images have labels from {self.labels.min()} to {self.labels.max()}, and the network knows "
                f"{self.num_classes} classes: choose a network that was made for this data set."
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """K."""
        return int(self.logits.shape[1])

    @cached_property
    def predicted(self) -> Whole:
        """The likeliest class of each image, int64 (N,); of equally likely ones the first."""
        return self.logits.argmax(axis=1)

    @property
    def log_probabilities(self) -> Floats:
        """The natural logarithm of each class's probability, float64 (N, K): finite even where that rounds to 0.

        It and `probabilities` are made anew each time: kept, they would be most of what answers hold.
        """
        logs: Floats = log_softmax(self.logits.astype(np.float64), axis=1)
        return logs

    @property
    def probabilities(self) -> Floats:
        """The probability of each class, float64 (N, K), rows summing to 1."""
        return np.exp(self.log_probabilities)

    @cached_property
    def confidence(self) -> Floats:
        """The probability of the predicted class, float64 (N,), at most 1."""
        return self._of(self.probabilities, self.predicted).clip(max=1)

    @cached_property
    def losses(self) -> Floats:
        """The cross-entropy of each image in nats, float64 (N,): minus the logarithm of its class's probability."""
        return -self._of(self.log_probabilities, self.labels)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether the predicted class is the true one, bool (N,)."""
        return self.predicted == self.labels

    @staticmethod
    def _of(values: Floats, classes: Whole) -> Floats:
        return np.take_along_axis(values, classes[:, None], axis=1)[:, 0]


@in_sentences("The test")
def answers_of(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    normalize: Callable[[Tensor], Tensor],
    progress: Progress | None = None,
) -> Answers:
    """Return a network's logits for a whole split, computed in bounded batches; the network is left unchanged.

    Args:
        model: Its outputs are logits (N, K).
        images: uint8 (N, C, H, W).
        labels: The true classes, int64 (N,).
        normalize: Turns a batch of pixels into what the network receives.
        progress: Called with the images done and those of the split; it may raise to cancel.

    Raises:
        EvaluationError: There is no image, or the classes do not fit.
        ExplainError: The network's scores are not finite numbers.
    """
    twin, total, done = shallow_copy_for_hooks(model), len(images), 0
    device = next((weight.device for weight in model.parameters()), images.device)
    parts: list[Tensor] = []
    for batch in images.split(batch_size(images)) if total else ():
        if progress is not None:
            progress(done, total)
        with torch.no_grad():
            parts.append(twin(normalize(batch).to(device)).float().cpu())
        done += len(batch)
    if progress is not None:
        progress(done, total)
    logits = check_finite(torch.cat(parts)) if parts else torch.zeros(0, 1)
    return Answers(logits.numpy(), labels.cpu().numpy().astype(np.int64, copy=False))
