"""What torch makes of the same numbers: the other half of every check on the benches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.train.config import TrainConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray


def torch_loss(name: str, logits: "NDArray[np.float64]", label: int) -> "tuple[float, NDArray[np.float64]]":
    """Return a loss of one picture and its gradient at the logits (K,), by autograd in float64."""
    import torch

    from core.train.losses import make_loss

    scores = torch.tensor(np.asarray(logits)[None], dtype=torch.float64, requires_grad=True)
    value = make_loss(TrainConfig(loss=name))(scores, torch.tensor([label]))
    (gradient,) = torch.autograd.grad(value, scores)
    return float(value.detach()), gradient[0].numpy()


def torch_weights(name: str, start: float, gradients: Sequence[float], settings: Mapping[str, float]) -> list[float]:
    """Return one weight after each step of the training's own optimiser, in float64.

    Args:
        name: The optimiser.
        start: The weight before the first step.
        gradients: What it is given, one for each step.
        settings: `lr`, `momentum` and `weight_decay`.
    """
    import torch

    from core.train.optimizers import make_optimizer

    weight = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    config = replace(TrainConfig(optimizer=name), **settings)  # type: ignore[arg-type]
    optimizer, weights = make_optimizer(torch.nn.ParameterList([weight]), config), []
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        weights.append(weight.item())
    return weights
