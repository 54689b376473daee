"""Explaining many times over: what makes one explanation, and how far the whole is."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from core.explain.attribution import Attribution

Progress = Callable[[int, int], None]
FINE = 100  # parts that one explanation counts as


class Explain(Protocol):
    """Explains a class of an image (C, H, W): `functools.partial` of `attribute` with a method and its options."""

    def __call__(self, model: nn.Module, image: Tensor, target: int, /, *, progress: Progress | None) -> Attribution:
        """Tell the progress of this one explanation."""
        ...


def within(progress: Progress | None, place: int, count: int) -> Progress | None:
    """Return what tells the progress of the explanation at a place among so many, as a part of all of them."""
    if progress is None:
        return None

    def tell(done: int, total: int) -> None:
        progress(place * FINE + FINE * min(done, total) // max(1, total), count * FINE)

    return tell


def tell_done(progress: Progress | None, done: int, count: int) -> None:
    """Tell that so many of the explanations are made."""
    if progress is not None:
        progress(done * FINE, count * FINE)
