"""Deterministic sampling: label noise, shuffling, batches and augmentation, all of it derived from the seed."""

import torch
from torch import Tensor, nn

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


def batches(order: Tensor, batch_size: int, fewest: int = 1) -> tuple[Tensor, ...]:
    """Split the indices (N,) of an epoch into batches; a last one of fewer than `fewest` joins the one before it."""
    parts = order.split(batch_size)
    if len(parts) > 1 and len(parts[-1]) < fewest:
        parts = (*parts[:-2], torch.cat(parts[-2:]))
    return parts


def fewest_images(model: nn.Module, images: Tensor) -> int:
    """Return how many images a batch needs at least: 2 where a batch norm sees one number a channel of each, else 1.

    From one number no spread can be had, and torch refuses it. Such networks alone get a larger last batch, so that the
    training of every other network takes the steps that it always took.

    Args:
        model: The network; it is asked in evaluation mode and left as it was.
        images: One image as the network receives it, (1, C, H, W).
    """
    single = False

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal single
        single = single or inputs[0][0, 0].numel() == 1

    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and all(weight.requires_grad for weight in module.parameters())  # in a frozen backbone it computes no spread
    ]
    if not norms:
        return 1
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return 2 if single else 1


def augmentation_draw(step: int, config: TrainConfig) -> torch.Generator:
    """Return the random numbers that vary the images of one update."""
    return torch.Generator().manual_seed(config.seed * 1_000_003 + 700_001 + step)
