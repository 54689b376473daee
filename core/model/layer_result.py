"""The words in which a stack is calculated: sums of products, what a number sees, and why a layer cannot work."""

from dataclasses import dataclass
from math import ceil, prod

from core.model.spec import Shape

Window = tuple[int, int, int, int]  # span with the gaps of its dilation, stride, padding in front, dilation
Terms = tuple[tuple[int, ...], ...]  # a sum of products: ((3, 3, 3, 32), (32,)) is 3 × 3 × 3 × 32 + 32


@dataclass(frozen=True)
class ReceptiveField:
    """What one number of a layer sees (Araujo et al. 2019, Distill, "Computing receptive fields of CNNs").

    Attributes:
        size: Side of its receptive field in input pixels; it may reach beyond the image into the padding.
        jump: Input pixels between neighbouring numbers of a map; None for a vector. Behind a backbone that resizes
            its pictures it may be a fraction.
        start: First input pixel of the first number's field, negative inside the padding; None for a vector.
        whole: For a vector, the side that all places of the maps it came from see together.
    """

    size: int = 1
    jump: float | None = 1
    start: float | None = 0
    whole: int = 1

    @property
    def offset(self) -> float | None:
        """Centre of the first number's field in input pixels, 0 being the centre of the first pixel."""
        return None if self.start is None else self.start + (self.size - 1) / 2

    def through(self, window: Window) -> "ReceptiveField":
        """Return the field of a number that looks through a window of the map."""
        span, stride, padding, _ = window
        assert self.jump is not None and self.start is not None
        return ReceptiveField(
            size=ceil(self.size + (span - 1) * self.jump),
            jump=self.jump * stride,
            start=self.start - padding * self.jump,
        )

    def flat(self, shape: Shape) -> "ReceptiveField":
        """Give up the places of maps of this shape: each number still sees its own field, all see `whole`."""
        if self.jump is None:
            return self
        whole = ceil(self.size + (max(shape[1:]) - 1) * self.jump)
        return ReceptiveField(self.size, jump=None, start=None, whole=whole)


@dataclass(frozen=True)
class LayerResult:
    """What a layer makes of its input.

    Attributes:
        shape: What comes out.
        receptive_field: What one number of it sees.
        params: Trained numbers.
        macs: Multiply-adds for one image.
        frozen: Weights that training leaves as they are.
        inner: Numbers inside the layer that training keeps for one image, besides those that come out.
    """

    shape: Shape
    receptive_field: ReceptiveField
    params: Terms = ()
    macs: Terms = ()
    frozen: int = 0
    inner: int = 0


class ShapeError(Exception):
    """A layer cannot take its input; `code` names the rule, the message shows the formula with its numbers."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def total(terms: Terms) -> int:
    """Return the value of a sum of products."""
    return sum(map(prod, terms))


def sum_of_products(terms: Terms) -> str:
    """Write a sum of products, "3 × 3 × 3 × 32 + 32"; empty if there is nothing to add or multiply."""
    if len(terms) == 1 and len(terms[0]) == 1:
        return ""
    return " + ".join(" × ".join(f"{number:,}" for number in term) for term in terms)


def formula(terms: Terms) -> str:
    """Write a sum of products with its value, "3 × 3 × 3 × 32 + 32 = 896"; empty if there is nothing to add."""
    written = sum_of_products(terms)
    return f"{written} = {total(terms):,}" if written else f"{total(terms):,}" if terms else ""


def shape_words(shape: Shape) -> str:
    """Write a shape for people: "64×8×8 maps" or "512 numbers"."""
    return "×".join(map(str, shape)) + " maps" if len(shape) == 3 else f"{shape[0]:,} numbers"
