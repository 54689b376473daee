"""How much a map says: which part of the score it makes up, and which method comes where it says nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.formatting import share

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

Maps = TypeVar("Maps")

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


CLEAR = Strength("clear", None, 0.0, "")


def strength_of(attribution: "Attribution") -> Strength:
    """Return how much a map says of the score that it explains."""
    from core.explain.attribution import heatmap

    method, values = METHODS[attribution.method], heatmap(attribution).double()
    if attribution.blank:
        return Strength("nothing", 0.0, 0.0, attribution.blank)
    score = abs(attribution.score)
    if method.counts is None or not score:
        return CLEAR
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


def full_colour(attributions: Sequence["Attribution"]) -> float:
    """Return the value that full colour stands for at least where these maps share one scale; 0 if one is clear."""
    return shared_full_colour([strength_of(attribution) for attribution in attributions])


def shared_full_colour(strengths: Sequence[Strength]) -> float:
    """Return the value that full colour stands for at least where maps of these strengths share one scale."""
    if any(each.kind == "clear" for each in strengths):
        return 0.0
    return max((each.full_colour for each in strengths), default=0.0)


def faint_sentence(strengths: Sequence[Strength]) -> str:
    """Say how many of several maps are weak or say next to nothing; empty if all are clear."""
    weak, nothing = (sum(each.kind == kind for each in strengths) for kind in ("weak", "nothing"))
    parts = [f"{weak} {'is' if weak == 1 else 'are'} weak"] * bool(weak)
    parts += [f"{nothing} {'says' if nothing == 1 else 'say'} next to nothing"] * bool(nothing)
    if not parts:
        return ""
    return f"Of these {len(strengths)} maps {' and '.join(parts)}: their colours stay faint."


def maps_that_say_something(
    method: str,
    results: Sequence["Attribution | ConvScopeError"],
    explain: Callable[[str], Sequence["Attribution | ConvScopeError"]],
    *,
    without: Sequence[str] = (),
) -> tuple[str, Sequence["Attribution | ConvScopeError"], str]:
    """Return a method, its maps, and in one sentence why it stands in the place of `method`; empty where it is that.

    Args:
        method: The method that was asked for.
        results: Its maps, or why there are none.
        explain: Returns the maps of another method.
        without: Methods that are not wanted in its place, because they are there already.
    """
    return giving_way(method, results, explain, _strengths, without=without)


def giving_way(
    method: str,
    results: Maps,
    explain: Callable[[str], Maps],
    strengths: Callable[[Maps], Sequence[Strength]],
    *,
    without: Sequence[str] = (),
) -> tuple[str, Maps, str]:
    """Do the same for results of any kind, whose maps have these `strengths`: none where there are no maps."""
    found = strengths(results)
    if not _silent(found):
        return method, results, ""
    for name in METHODS[method].instead:
        if name in without:
            continue
        try:
            others = explain(name)
        except ConvScopeError:  # it cannot explain this network
            continue
        if (other := strengths(others)) and not _silent(other):
            return name, others, f"In place of {METHODS[method].title}. {found[0].text}"
    return method, results, ""


def in_place_of(name: str, reason: str) -> str:
    """Return such a reason as a sentence of its own that begins with the method which is shown; empty without one."""
    return f"{METHODS[name].title} {reason[0].lower()}{reason[1:]}" if reason else ""


def _strengths(results: Sequence["Attribution | ConvScopeError"]) -> list[Strength]:
    return [strength_of(each) for each in results if not isinstance(each, ConvScopeError)]


def _silent(strengths: Sequence[Strength]) -> bool:
    """Say whether there are maps and none of them says anything."""
    return bool(strengths) and all(each.kind == "nothing" for each in strengths)
