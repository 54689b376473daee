"""One weight of a network over several steps of an optimiser, each gradient taken anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.maths.optimizers import OptimizerState, OptimizerUpdate, update
from core.workbench.batch_gradients import Place

AXES = {4: ("Filter", "Channel", "Row", "Column"), 2: ("Output", "Input"), 1: ("Channel",)}


@dataclass(frozen=True, eq=False)
class Trace:
    """One weight under one optimiser.

    Attributes:
        name: The optimiser.
        values: The weight before the first step and after each one.
        losses: The loss of the batch before each step.
        gradients: dL/d weight before each step.
        updates: The steps.
    """

    name: str
    values: Sequence[float]
    losses: Sequence[float]
    gradients: Sequence[float]
    updates: Sequence[OptimizerUpdate]

    @property
    def lines(self) -> dict[str, float]:
        """The numbers of the last step by their symbols."""
        return {term.symbol: float(term.value) for term in self.updates[-1].terms}


def trace(
    name: str,
    value: float,
    gradient_at: Callable[[float], tuple[float, float]],
    steps: int,
    settings: Mapping[str, float],
) -> Trace:
    """Take steps with one weight: each time forward, backward, and the optimiser's rule.

    Args:
        name: The optimiser.
        value: The weight before the first step.
        gradient_at: Returns dL/d weight and L where the weight has a value.
        steps: How many.
        settings: Of the optimiser's rule.
    """
    values, losses, gradients = [value], list[float](), list[float]()
    updates: list[OptimizerUpdate] = []
    memory: OptimizerState | None = None
    for _ in range(steps):
        gradient, loss = gradient_at(values[-1])
        gradients.append(gradient)
        losses.append(loss)
        done = update(name, values[-1], gradients[-1], memory, **settings)
        memory = done.state
        updates.append(done)
        values.append(float(done.weight))
    return Trace(name, values, losses, gradients, updates)


def where(place: Place) -> str:
    """Say which weight: "filter 3, channel 0, row 1, column 2"."""
    names = AXES.get(len(place), tuple(f"Axis {axis}" for axis in range(len(place))))
    return ", ".join(f"{name.lower()} {at}" for name, at in zip(names, place, strict=True))
