"""Metrics of a step and of a whole split: loss and accuracy."""

from dataclasses import dataclass

import torch
from torch import nn

from core.data.datasets import Dataset, Split
from core.runs.records import Evidence
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


@torch.no_grad()
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
    modes = [(module, module.training) for module in model.modules()]
    device = torch.device(device)
    model.eval()
    total, right = 0.0, 0
    try:
        for start in range(0, len(split), batch_size):
            images = dataset.normalize(split.images[start : start + batch_size].to(device))
            labels = split.labels[start : start + batch_size].to(device)
            if device.type == "cpu":
                images = images.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                logits = model(images).float()
            total += loss(logits, labels).item() * len(labels)
            right += int((logits.argmax(1) == labels).sum())
    finally:
        for module, mode in modes:
            module.training = mode
    return Score(total / len(split), right / len(split))
