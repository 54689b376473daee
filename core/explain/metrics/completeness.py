"""Completeness: the gap between the sum of a map's values and the score (or change of score) that its method promises.

Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks", section 3, arXiv:1703.01365; for LRP the
conservation of relevance (Bach et al. 2015). The same values at other places have the same sum: this speaks for the
arithmetic, not for the places.
"""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from core.explain.methods.base import Promise
from core.formatting import formatted


@dataclass(frozen=True)
class CompletenessGap:
    """The gap between the sum of a map and the promised sum.

    Attributes:
        total: The sum of the attribution's values.
        promised: The score of the image, less the mean score of the starting pictures where only the change is
            promised, in logits.
        promise: The method's promise.
        rounding: Up to where a gap may be rounding of the scores.
    """

    total: float
    promised: float
    promise: Promise
    rounding: float = 0.0
    better: ClassVar[str] = "nearer to zero"

    @property
    def gap(self) -> float:
        """The sum less the promised sum."""
        return self.total - self.promised

    @property
    def share(self) -> float:
        """The size of the gap as a share of what was promised; infinite where that is 0."""
        if self.gap == 0:
            return 0.0
        return abs(self.gap / self.promised) if self.promised else float("inf")

    @property
    def shortfall(self) -> str | None:
        """A sentence on the size and cause of the gap; None where the promise is kept."""
        if self.share <= self.promise.within or abs(self.gap) <= self.rounding:
            return None
        what = "the score changed by" if self.promise.of == "change" else "the score is"
        off = f" ({self.off} off)" if isfinite(self.share) else ""
        total, promised = (formatted(value, ".3g") for value in (self.total, self.promised))
        return f"The values sum to {total}, {what} {promised}{off}: {self.promise.lacking}"

    @property
    def off(self) -> str:
        """The relative gap in words: "12%", or "more than 1,000%"."""
        if self.share < 10:
            return f"{self.share:.2%}" if self.share < 0.01 else f"{self.share:.0%}"
        return "more than 1,000%"

    @property
    def text(self) -> str:
        """The promise, and where it is not kept, the gap."""
        return " ".join(filter(None, (self.promise.words, self.shortfall)))
