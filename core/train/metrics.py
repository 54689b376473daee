"""Metrics of a step and of a whole split: loss and accuracy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from core.data.datasets import Dataset, Split
from core.runs.records import Evidence
from core.train.hardware import pick_layout
from core.train.losses import Loss, cross_entropy


@dataclass(frozen=True)
class Score:
    """Mean loss (cross-entropy, in nats, unless told otherwise) and share of images classified rightly, 0 to 1."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Step:
    """One optimiser update.

    Attributes:
        step: How many updates there have been, from 1.
        epoch: The epoch it belongs to, from 1.
        lr: Learning rate used.
        train_loss: Mean loss of its batch, before the update, without penalties.
        train_accuracy: Share of its batch that was classified rightly, before the update.
        seconds: Time since the training began, validation included and pauses left out.
        valid: Score on the whole validation split, on the last step of an epoch only.
        evidence: What was measured inside the network, on some steps.
    """

    step: int
    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    seconds: float
    valid: Score | None = None
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> str:
        """Return the step as one line, without a score."""
        return json.dumps(asdict(replace(self, valid=None)))

    @classmethod
    def from_json(cls, text: str) -> "Step":
        """Return the step that `to_json` wrote; raises ValueError where it is none."""
        try:
            values = json.loads(text)
            evidence = tuple(Evidence(**{**item, "bins": tuple(item["bins"])}) for item in values.pop("evidence"))
            return cls(**values, evidence=evidence)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("no step") from error


def evaluate(
    model: nn.Module,
    dataset: Dataset,
    split: Split,
    *,
    loss: Loss = cross_entropy,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
) -> Score:
    """Score `model` on a whole split, in evaluation mode; the modes it had are put back.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits.
        dataset: The data set that the split is part of: it knows how images are normalised.
        split: What to score on; at least one image.
        loss: (N, K) logits and (N,) labels to the mean loss.
        batch_size: Images looked at together; does not change the result but for rounding.
        device: Where the model is.
        precision: `torch.bfloat16` computes as a bf16 training does.
    """
    parts = evaluate_in_parts(
        model, dataset, split, loss=loss, batch_size=batch_size, device=device, precision=precision
    )
    return next(score for score in parts if score is not None)


def evaluate_in_parts(
    model: nn.Module,
    dataset: Dataset,
    split: Split,
    *,
    loss: Loss = cross_entropy,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    inputs: Tensor | None = None,
) -> Iterator[Score | None]:
    """Do as `evaluate`, and yield None between two batches, where others may go on, and the score at the end.

    In between the model is in the modes that it had, and may be saved, but not changed. The arguments are those of
    `evaluate`; `inputs` (N, …) are what the model receives where that is not the images of the split.
    """
    device = torch.device(device)
    layout = pick_layout(model, device)
    total, right = 0.0, 0
    for start in range(0, len(split), batch_size):
        if start:
            yield None
        if inputs is None:
            images = dataset.normalize(split.images[start : start + batch_size].to(device))
            images = images.contiguous(memory_format=layout)
        else:
            images = inputs[start : start + batch_size]
        labels = split.labels[start : start + batch_size].to(device)
        with _evaluating(model), torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = model(images).float()
        total += loss(logits, labels).item() * len(labels)
        right += int((logits.argmax(1) == labels).sum())
    yield Score(total / len(split), right / len(split))


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, without gradients; the modes it had are put back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
