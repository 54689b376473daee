"""How the learning rate changes over a training: pure functions of the step, so that a resumed run needs no memory."""

import math
from collections.abc import Callable

from core.train.config import TrainConfig

_Schedule = Callable[[TrainConfig, float, float], float]


def _constant(config: TrainConfig, epochs: float, share: float) -> float:
    return 1.0


def _step(config: TrainConfig, epochs: float, share: float) -> float:
    return config.step_factor ** math.floor(epochs / config.step_epochs + 1e-9)


def _cosine(config: TrainConfig, epochs: float, share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _one_cycle(config: TrainConfig, epochs: float, share: float) -> float:
    """Rise from 1/25 to 1 over 30%, fall to 1/250,000, both along half a cosine (torch's OneCycleLR)."""
    rise, first, last = 0.3, 1 / 25, 1 / 25e4
    if share < rise:
        return 1 + (first - 1) * (1 + math.cos(math.pi * share / rise)) / 2
    return last + (1 - last) * (1 + math.cos(math.pi * (share - rise) / (1 - rise))) / 2


_SCHEDULES: dict[str, _Schedule] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
}


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of the update after `step` others.

    Args:
        config: How to train.
        step: Updates so far, from 0.
        steps_per_epoch: Updates of one epoch.
    """
    factor = _SCHEDULES[config.schedule](config, step / steps_per_epoch, step / (steps_per_epoch * config.epochs))
    warm_up = config.warmup_epochs * steps_per_epoch
    if config.schedule != "one_cycle" and step < warm_up:
        factor *= (step + 1) / (warm_up + 1)
    return config.lr * factor
