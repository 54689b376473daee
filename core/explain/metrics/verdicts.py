"""Verdicts of the metrics in one sentence each, with their evidence."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from core.explain.metrics.completeness import CompletenessGap
from core.explain.metrics.deletion_insertion import RandomCurves, RemovalCurve
from core.explain.metrics.infidelity import Infidelity
from core.explain.metrics.pointing_game import PointingGame
from core.explain.metrics.randomization import MapSimilarity, RandomizationCascade
from core.explain.metrics.sensitivity import Sensitivity
from core.formatting import formatted

STEADY = 0.3  # a map that moves less than this share of its size keeps its pattern
DIFFERENT, ALIKE = 0.2, 0.5  # rank correlations, whatever their sign: up to here and from here on
COMPLETE, ROUGH = 0.01, 0.1  # of what was promised, missing or too much


@dataclass(frozen=True)
class Verdict:
    """Whether a check speaks for a map, against it, or leaves it open; and why, in a sentence of ours."""

    speaks: Literal["for", "against", "open"]
    text: str


def removal_verdict(curve: RemovalCurve, shifted: RandomCurves) -> Verdict:
    """Return the verdict on a deletion or insertion curve against those of the shifted map."""
    beaten, places = shifted.beaten(curve.area), len(shifted.areas)
    if beaten == places:
        return Verdict("for", f"Better than chance: it beats the same map at each of {places} random places.")
    if not beaten:
        return Verdict("against", f"Worse than chance: the same map beats it at each of {places} random places.")
    return Verdict(
        "open", f"Not clearly better than chance: it beats the same map at {beaten} of {places} random places."
    )


def infidelity_verdict(infidelity: Infidelity) -> Verdict:
    """Return the verdict on a map's infidelity."""
    if infidelity.factor <= 0:
        return Verdict("against", "It foresees the opposite: covering what it calls important raises the score.")
    if infidelity.share < min(infidelity.random):
        words = "It foresees most" if infidelity.share < 0.5 else "It foresees some, more than chance,"
        explained = f"{1 - infidelity.share:.0%} of the squared change"
        return Verdict("for", f"{words} of what covering a square does: {explained}.")
    return Verdict(
        "against", "It foresees no more of what covering a square does than the same values at random places."
    )


def sensitivity_verdict(sensitivity: Sensitivity) -> Verdict:
    """Return the verdict on a map's max-sensitivity."""
    evidence = f"a change that nobody sees moves it by {sensitivity.value:.0%} of its size at most"
    if sensitivity.value <= STEADY:
        return Verdict("for", f"Steady: {evidence}.")
    if sensitivity.value < sensitivity.random:
        return Verdict("open", f"Not steady: {evidence}.")
    return Verdict("against", f"No steadier than a random map: {evidence}.")


def completeness_verdict(completeness: CompletenessGap) -> Verdict:
    """Return the verdict on a map's completeness."""
    missing = completeness.off if isfinite(completeness.share) else "everything"
    if completeness.share <= COMPLETE:
        return Verdict("for", f"It adds up: {missing} of what it promises is missing or too much.")
    if completeness.share <= ROUGH:
        return Verdict("open", f"It adds up roughly: {missing} of what it promises is missing or too much.")
    return Verdict("against", f"It does not add up: {missing} of what it promises is missing or too much.")


def cascade_verdict(cascade: RandomizationCascade) -> Verdict:
    """Return the verdict of cascading randomization."""
    ranks = [step.likeness.rank for step in cascade.steps]
    sizes = [abs(rank) for rank in ranks if rank is not None]
    if not sizes:
        return Verdict("for", "Without its last layers the network has no map at all: it depends on what was learned.")
    mean = sum(sizes) / len(sizes)
    evidence = f"on the way its rank correlation with the map above is {mean:.2f} on average, whatever the sign"
    if mean <= DIFFERENT:
        return Verdict("for", f"It depends on what the network has learned: {evidence}.")
    if mean < ALIKE:
        return Verdict("open", f"It depends in part on what the network has learned: {evidence}.")
    return Verdict("against", f"It hardly depends on what the network has learned: {evidence}.")


def untrained_verdict(likeness: MapSimilarity) -> Verdict:
    """Return the verdict on a map's similarity to that of an untrained network."""
    if likeness.rank is None:
        return Verdict("for", "The untrained network has no map that could be compared: this one was learned.")
    alike = f"rank correlation {formatted(likeness.rank, '.2f')}"
    if abs(likeness.rank) <= DIFFERENT:
        return Verdict("for", f"An untrained network gives another map ({alike}): this one was learned.")
    if abs(likeness.rank) < ALIKE:
        return Verdict("open", f"An untrained network gives a map that is like it in part ({alike}).")
    return Verdict("against", f"An untrained network gives nearly the same map ({alike}).")


def pointing_game_verdict(results: PointingGame) -> Verdict:
    """Return the verdict of the pointing game: which methods beat a spot at the picture's centre."""
    beating = [each for each in results.standings if each.hits.low > results.centre.hits.value]
    best = results.standings[0]
    evidence = f"the best hits {best.hits.value:.0%}, the centre of the picture {results.centre.hits.value:.0%}"
    if not beating:
        return Verdict("against", f"No method clearly beats the centre of the picture: {evidence}.")
    return Verdict(
        "for", f"{len(beating)} of {len(results.standings)} clearly beat the centre of the picture: {evidence}."
    )
