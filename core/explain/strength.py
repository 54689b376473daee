"""How much a map says: which part of the score it makes up, and which method comes where it says nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import ConvScopeError
from core.explain.attribution import Attribution, heatmap
from core.explain.methods.registry import METHODS
from core.formatting import share

# Below the first of these shares of the score a map says nothing, below the second it is weak.
# "sum": all cells of a layer's map together. Measured on 24 test images each: Layer-CAM and XGrad-CAM 0.38 or more on
# every network, Grad-CAM 1.3 or more on the pretrained one, 0.12 to 0.98 on the untrained tutorial's network; on the
# trained one, whose class lies in a dense layer, Grad-CAM is zero for 13 images and 0.006 in the middle of the others.
# "range": from the lowest value to the highest. Occlusion has 0.045 or more on all of these networks.
LIMITS = {"sum": (0.02, 0.10), "range": (0.01, 0.03)}


@dataclass(frozen=True)
class Strength:
    """How much a map says.

    Attributes:
        kind: Whether it says nothing, is weak, or is clear; a method whose values are no part of the score is clear
            unless all of them are zero.
        share: The part of the score that the map makes up, as its method counts it; None where it does not.
        full_colour: The value that full colour stands for at least, so that a weak map stays as faint as it is; 0 where
            the map is clear.
        text: What is to be said of it in one sentence; empty where it is clear.
    """

    kind: Literal["nothing", "weak", "clear"]
    share: float | None
    full_colour: float
    text: str


def strength_of(attribution: Attribution) -> Strength:
    """Return how much a map says of the score that it explains."""
    method, values = METHODS[attribution.method], heatmap(attribution).double()
    if attribution.blank:
        return Strength("nothing", 0.0, 0.0, attribution.blank)
    score = abs(attribution.score)
    if method.counts is None or not score:
        return Strength("clear", None, 0.0, "")
    if method.counts == "sum":
        rows, cols = attribution.cells or values.shape
        part = float(values.abs().mean()) * rows * cols / score
        what = "all regions of this map together make up"
    else:
        part = float(values.max().clamp(min=0) - values.min().clamp(max=0)) / score
        what = "whatever is covered moves the score by at most"
    nothing, weak = LIMITS[method.counts]
    if part >= weak:
        return Strength("clear", part, 0.0, "")
    full_colour = float(values.abs().max()) * weak / part
    amount = f"{what} {share(part)}" + " of the score" * (method.counts == "sum")
    if part < nothing:
        return Strength("nothing", part, full_colour, f"It explains next to nothing: {amount}.")
    return Strength("weak", part, full_colour, f"A weak map: {amount}, so its colours stay faint.")


def full_colour(attributions: Sequence[Attribution]) -> float:
    """Return the value that full colour stands for at least where these maps share one scale; 0 if one is clear."""
    found = [strength_of(attribution) for attribution in attributions if not attribution.blank]
    return (
        0.0 if any(each.kind == "clear" for each in found) else max((each.full_colour for each in found), default=0.0)
    )


def maps_that_say_something(
    method: str,
    results: Sequence[Attribution | ConvScopeError],
    explain: Callable[[str], Sequence[Attribution | ConvScopeError]],
    *,
    without: Sequence[str] = (),
) -> tuple[str, Sequence[Attribution | ConvScopeError], str]:
    """Return a method, its maps, and in one sentence why it stands in the place of `method`; empty where it is that.

    Args:
        method: The method that was asked for.
        results: Its maps, or why there are none.
        explain: Returns the maps of another method.
        without: Methods that are not wanted in its place, because they are there already.
    """
    if not _silent(results):
        return method, results, ""
    for name in METHODS[method].instead:
        if name in without:
            continue
        others = explain(name)
        if not _silent(others) and any(isinstance(each, Attribution) for each in others):
            first = next(each for each in results if isinstance(each, Attribution))
            return name, others, f"In place of {METHODS[method].title}. {strength_of(first).text}"
    return method, results, ""


def _silent(results: Sequence[Attribution | ConvScopeError]) -> bool:
    """Say whether there are maps and none of them says anything."""
    maps = [each for each in results if isinstance(each, Attribution)]
    return bool(maps) and all(strength_of(each).kind == "nothing" for each in maps)
