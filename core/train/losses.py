"""Losses by name: logits and true classes to one number, as torch computes it."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from core.train.config import TrainConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of −log p(true class), in nats; logits (N, K), labels (N,)."""
    return functional.cross_entropy(logits, labels)


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the same as `cross_entropy`, by way of the log-probabilities."""
    return functional.nll_loss(functional.log_softmax(logits, dim=1), labels)


def squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over images and classes of (p − one-hot)²; logits (N, K), labels (N,)."""
    targets = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return functional.mse_loss(torch.softmax(logits, dim=1), targets)


_LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "nll": negative_log_likelihood, "mse": squared_error}


def make_loss(config: TrainConfig) -> Loss:
    """Return the loss to train with; label smoothing (Szegedy et al. 2016) belongs to cross-entropy alone."""
    if config.loss == "cross_entropy" and config.label_smoothing:
        return lambda logits, labels: functional.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
    return _LOSSES[config.loss]


def make_measure(config: TrainConfig) -> Loss:
    """Return the loss to judge with: that of the training, without smoothing."""
    return _LOSSES[config.loss]
