"""One optimiser step with all intermediate terms."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from core.maths.arrays import Floats, floats, require_shape
from core.maths.rules import OPTIMIZERS as OPTIMIZERS
from core.maths.rules import SYMBOLS
from core.maths.terms import Calculation, Term


@dataclass(frozen=True, eq=False)
class OptimizerState:
    """The state of an optimiser: step count and moments.

    Attributes:
        step: How many there were.
        first: Velocity (momentum, Nesterov) or mean of the gradients (Adam, AdamW), shaped like the weight.
        second: Mean of the squared gradients (RMSProp, Adam, AdamW), shaped like the weight.
    """

    step: int = 0
    first: Floats = field(default_factory=lambda: np.zeros(()))
    second: Floats = field(default_factory=lambda: np.zeros(()))


@dataclass(frozen=True, eq=False)
class OptimizerUpdate:
    """The result of one step: its terms in the order of calculation, the new weight and the new state."""

    terms: tuple[Term, ...]
    weight: Floats
    state: OptimizerState


def update(
    name: str,
    weight: ArrayLike,
    gradient: ArrayLike,
    state: OptimizerState | None = None,
    *,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> OptimizerUpdate:
    """Return one step of an optimiser, number by number (`torch.optim`; Adam: Kingma & Ba 2015, algorithm 1).

    Args:
        name: A name in `OPTIMIZERS`; "sgd" and "gd" differ only in the images behind the gradient.
        weight: One weight or an array of them, each treated by itself.
        gradient: dL/d weight, in the weight's shape.
        state: What the step before returned; nothing before the first.
        lr, weight_decay, eps: As in `torch.optim`; AdamW shrinks the weight by its decay, the others add it to the
            gradient.
        momentum: Share of the velocity that is kept ("momentum", "nesterov").
        beta1, beta2: Shares of the mean and of the squares that are kept ("adam", "adamw").
        alpha: Share of the squares that is kept ("rmsprop").

    Raises:
        ConvScopeError: The name is unknown, the shapes differ, or a share that is kept is not from 0 to below 1.
    """
    if name not in OPTIMIZERS:
        raise ConvScopeError(f"There is no optimiser {name!r}: choose one of {', '.join(OPTIMIZERS)}.")
    for title, share in {"momentum": momentum, "beta1": beta1, "beta2": beta2, "alpha": alpha}.items():
        if not 0 <= share < 1:
            raise ConvScopeError(f"{title} must be from 0 to below 1, not {share}.")
    before = state or OptimizerState()
    old, raw = floats(weight, "weight"), floats(gradient, "gradient")
    require_shape(raw, old.shape, "gradient")
    first, second = _shaped(before.first, old), _shaped(before.second, old)
    symbols: dict[str, ArrayLike] = {
        "old": old,
        "raw": raw,
        "t": before.step + 1,
        "b_old": first,
        "m_old": first,
        "v_old": second,
    }
    symbols |= {"lr": lr, "decay": weight_decay, "mu": momentum, "eps": eps}
    symbols |= {"beta1": beta1, "beta2": beta2, "alpha": alpha}
    sheet = Calculation({quantity: (SYMBOLS[quantity], value) for quantity, value in symbols.items()})
    OPTIMIZERS[name].work(sheet)
    memory = OptimizerState(before.step + 1, sheet.get("b", sheet.get("m", first)), sheet.get("v", second))
    return OptimizerUpdate(sheet.terms, sheet["new"], memory)


def _shaped(memory: Floats, weight: Floats) -> Floats:
    """Return a state tensor in the weight's shape; a single number is broadcast."""
    array = memory if memory.ndim else np.full(weight.shape, memory)
    require_shape(array, weight.shape, "optimiser's memory")
    return array
