"""One answer beside what would have been right, and what each loss makes of the two."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.maths.losses import LossCurve, loss_gradient, loss_slide, loss_value, softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 10  # classes with a bar and a row


@dataclass(frozen=True, eq=False)
class Case:
    """One answer, and what would have been right.

    Attributes:
        logits: (K,), float64.
        label: The true class.
        names: What the classes are called; may hold what a user wrote.
    """

    logits: "NDArray[np.float64]"
    label: int
    names: tuple[str, ...]

    @property
    def probabilities(self) -> "NDArray[np.float64]":
        """Softmax of the logits, (K,)."""
        return softmax(self.logits)

    @property
    def shown(self) -> list[int]:
        """The classes there is room for, in their order: the likeliest, and always the true one."""
        likeliest = np.argsort(-self.logits, kind="stable").tolist()
        first = [self.label, *(index for index in likeliest if index != self.label)]
        return sorted(first[:SHOWN])

    def value(self, loss: str) -> float:
        """Return what a loss makes of it."""
        return loss_value(loss, self.logits[None], [self.label])

    def gradient(self, loss: str) -> "NDArray[np.float64]":
        """Return dL/d logits, (K,)."""
        return loss_gradient(loss, self.logits[None], [self.label])[0]

    def slide(self, loss: str, probabilities: "NDArray[np.float64]") -> LossCurve:
        """Return a loss along the true class's probability."""
        return loss_slide(loss, self.logits, self.label, probabilities)
