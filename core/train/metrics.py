"""How good a network is on a split: loss and accuracy."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from core.data.datasets import Dataset, Split


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy (nats per image) and share of images classified rightly, 0 to 1."""

    loss: float
    accuracy: float


@torch.no_grad()
def evaluate(
    model: nn.Module,
    dataset: Dataset,
    split: Split,
    *,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
) -> Score:
    """Score `model` on a whole split, in evaluation mode; the modes it had are put back.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits.
        dataset: The data set that the split is part of: it knows how images are normalised.
        split: What to score on; at least one image.
        batch_size: Images looked at together; does not change the result but for rounding.
        device: Where the model is.
        precision: `torch.bfloat16` computes as a bf16 training does.
    """
    modes = [(module, module.training) for module in model.modules()]
    device = torch.device(device)
    model.eval()
    loss, right = 0.0, 0
    try:
        for start in range(0, len(split), batch_size):
            images = dataset.normalize(split.images[start : start + batch_size].to(device))
            labels = split.labels[start : start + batch_size].to(device)
            if device.type == "cpu":
                images = images.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                logits = model(images).float()
            loss += functional.cross_entropy(logits, labels, reduction="sum").item()
            right += int((logits.argmax(1) == labels).sum())
    finally:
        for module, mode in modes:
            module.training = mode
    return Score(loss / len(split), right / len(split))
