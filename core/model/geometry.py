"""The words in which a stack is calculated: sums of products, what a number sees, and why a layer cannot work."""

from dataclasses import dataclass
from math import prod

from core.model.spec import Shape

Terms = tuple[tuple[int, ...], ...]  # a sum of products: ((3, 3, 3, 32), (32,)) is 3 × 3 × 3 × 32 + 32


@dataclass(frozen=True)
class ReceptiveField:
    """What one number of a layer sees (Araujo et al. 2019, Distill, "Computing receptive fields of CNNs").

    Attributes:
        size: Side of its receptive field in input pixels; it may reach beyond the image into the padding.
        jump: Input pixels between neighbouring numbers of a map; None for a vector.
        offset: Centre of the first number's field, 0 being the centre of the first pixel; None for a vector.
        whole: For a vector, the side that all places of the maps it came from see together.
    """

    size: int = 1
    jump: int | None = 1
    offset: float | None = 0.0
    whole: int = 1

    def through(self, span: int, stride: int, before: int) -> "ReceptiveField":
        """Look through a window of `span` pixels of the map, with `before` pixels of padding in front."""
        assert self.jump is not None and self.offset is not None
        return ReceptiveField(
            size=self.size + (span - 1) * self.jump,
            jump=self.jump * stride,
            offset=self.offset + ((span - 1) / 2 - before) * self.jump,
        )

    def flat(self, shape: Shape) -> "ReceptiveField":
        """Give up the places of maps of this shape: each number still sees its own field, all see `whole`."""
        if self.jump is None:
            return self
        whole = self.size + (max(shape[1:]) - 1) * self.jump
        return ReceptiveField(self.size, jump=None, offset=None, whole=whole)


@dataclass(frozen=True)
class LayerResult:
    """What a layer makes of its input: the shape that comes out, parameters, multiply-adds and its view."""

    shape: Shape
    view: ReceptiveField
    params: Terms = ()
    macs: Terms = ()


class ShapeError(Exception):
    """A layer cannot take its input; `code` names the rule, the message shows the formula with its numbers."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def total(terms: Terms) -> int:
    """Return the value of a sum of products."""
    return sum(map(prod, terms))


def formula(terms: Terms) -> str:
    """Write a sum of products with its value, "3 × 3 × 3 × 32 + 32 = 896"; empty if there is nothing to add."""
    if not terms:
        return ""
    left = " + ".join(" × ".join(f"{number:,}" for number in term) for term in terms)
    return f"{left} = {total(terms):,}"


def dimensions(shape: Shape) -> str:
    """Write a shape for people: "64×8×8 maps" or "512 numbers"."""
    return "×".join(map(str, shape)) + " maps" if len(shape) == 3 else f"{shape[0]:,} numbers"
