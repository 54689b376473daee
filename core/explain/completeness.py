"""Do the values of a map add up to what its method promises: what the score owes to the picture?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import Attribution
from core.explain.methods import METHODS
from core.explain.question import backgrounds, baseline
from core.explain.usable import margins
from core.model.twin import twin_of


@dataclass(frozen=True)
class Gap:
    """What is missing between the sum of a map and what it promises to sum to.

    Attributes:
        total: The sum of the attribution's values.
        promised: The score of the image, less that of the starting picture where only the change is promised, in
            logits.
        of_change: Whether it is the change.
    """

    total: float
    promised: float
    of_change: bool
    better: ClassVar[str] = "nearer to zero"

    @property
    def gap(self) -> float:
        """The sum less what was promised."""
        return self.total - self.promised

    @property
    def share(self) -> float:
        """The size of the gap as a share of what was promised; infinite where that is 0."""
        if self.gap == 0:
            return 0.0
        return abs(self.gap / self.promised) if self.promised else float("inf")


def promises(method: str) -> bool:
    """Say whether a method of `METHODS` promises what its values sum to."""
    return METHODS[method].promise is not None


def completeness_gap(model: nn.Module, image: Tensor, found: Attribution, *, start: Tensor | None = None) -> Gap:
    """Compare the sum of an attribution with the score that it takes apart.

    Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks", section 3, arXiv:1703.01365. The same
    values at other places have the same sum: this speaks for the arithmetic, not for the places.

    Args:
        model: The network; a twin of it is asked.
        image: Normalised image, float (C, H, W).
        found: Its attribution.
        start: The starting pictures (N, C, H, W) whose mean score counts; that of the method's own
            setting if none is given, or else those that SHAP starts from where nobody gives others.

    Raises:
        ExplainError: The method makes no such promise, or a class or image is not usable.
    """
    promise = METHODS[found.method].promise
    if promise is None:
        raise ExplainError(f"{METHODS[found.method].title} does not promise what its values sum to.")
    twin = twin_of(model)
    promised = float(margins(twin, image[None], found.target, found.versus))
    if promise.of == "change":
        given = image.detach().cpu().to(torch.float32)[None]
        shap = any(option.name == "samples" for option in METHODS[found.method].options)
        if start is None:
            start = backgrounds(given) if shap else baseline(given, str(found.options.get("baseline", "mean")))
        empty = start[: int(found.options.get("samples") or len(start))]
        promised -= float(margins(twin, empty, found.target, found.versus).double().mean())
    return Gap(float(found.values.double().sum()), promised, promise.of == "change")
