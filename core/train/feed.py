"""Which images a training sees, in which order, under which labels: all of it decided by the seed."""

import torch
from torch import Tensor

from core.train.config import TrainConfig


def training_labels(labels: Tensor, num_classes: int, config: TrainConfig) -> Tensor:
    """Return the labels (N,) to train on: exactly the share `wrong_labels` of them names another class."""
    count = round(len(labels) * config.wrong_labels)
    if not count or num_classes < 2:
        return labels
    draw = torch.Generator().manual_seed(config.seed * 1_000_003 + 500_009)
    victims = torch.randperm(len(labels), generator=draw)[:count]
    shifts = torch.randint(1, num_classes, (count,), generator=draw)
    wrong = labels.clone()
    wrong[victims] = (labels[victims] + shifts) % num_classes
    return wrong


def image_order(labels: Tensor, epoch: int, config: TrainConfig) -> Tensor:
    """Return the indices (N,) of one epoch (counted from 0), on the CPU: shuffled, or class after class."""
    if config.order == "by_class":
        return torch.argsort(labels.cpu(), stable=True)
    shuffle = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
    return torch.randperm(len(labels), generator=shuffle)


def augmentation_draw(step: int, config: TrainConfig) -> torch.Generator:
    """Return the random numbers that vary the images of one update."""
    return torch.Generator().manual_seed(config.seed * 1_000_003 + 700_001 + step)
