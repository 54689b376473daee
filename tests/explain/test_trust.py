"""Verdicts follow from the numbers, and name them."""

import numpy as np
import pytest

from core.explain.methods.registry import METHODS
from core.explain.metrics.completeness import CompletenessGap
from core.explain.metrics.deletion_insertion import RandomCurves, RemovalCurve
from core.explain.metrics.infidelity import Infidelity
from core.explain.metrics.pointing_game import CENTRE, RANDOM, PointingGame, PointingResult, Rate
from core.explain.metrics.randomization import MapSimilarity, RandomizationCascade, RandomizationStep
from core.explain.metrics.sensitivity import Sensitivity
from core.explain.metrics.verdicts import (
    cascade_verdict,
    completeness_verdict,
    infidelity_verdict,
    pointing_game_verdict,
    removal_verdict,
    sensitivity_verdict,
    untrained_verdict,
)

SHARES = np.array([0.0, 1.0])
RUNS = np.array([[0.3, 0.3], [0.5, 0.5], [0.7, 0.7]])


@pytest.mark.parametrize(
    ("mode", "area", "speaks"),
    [
        ("deletion", 0.2, "for"),
        ("deletion", 0.6, "open"),
        ("deletion", 0.8, "against"),
        ("insertion", 0.2, "against"),
        ("insertion", 0.6, "open"),
        ("insertion", 0.8, "for"),
    ],
)
def test_small_areas_of_deletion_and_large_ones_of_insertion_speak_for_a_map(
    mode: str, area: float, speaks: str
) -> None:
    assert (
        removal_verdict(RemovalCurve(mode, SHARES, np.full(2, area)), RandomCurves(mode, SHARES, RUNS)).speaks == speaks
    )


@pytest.mark.parametrize(
    ("share", "factor", "speaks"), [(0.1, 1.0, "for"), (0.7, 1.0, "for"), (0.9, 1.0, "against"), (1.0, -1.0, "against")]
)
def test_infidelity_is_judged_by_that_of_random_maps(share: float, factor: float, speaks: str) -> None:
    found = infidelity_verdict(Infidelity(1.0, share, factor, (0.8, 0.95), 128, 8))
    assert found.speaks == speaks
    assert ("opposite" in found.text) == (factor < 0)


@pytest.mark.parametrize(("value", "speaks"), [(0.1, "for"), (0.8, "open"), (1.6, "against")])
def test_sensitivity_is_judged_by_that_of_random_maps(value: float, speaks: str) -> None:
    found = sensitivity_verdict(Sensitivity(value, 1.4, 10, 0.02))
    assert found.speaks == speaks and f"{value:.0%}" in found.text


@pytest.mark.parametrize(("total", "speaks"), [(10.01, "for"), (9.5, "open"), (5.0, "against"), (20.0, "against")])
def test_a_gap_is_judged_by_its_share(total: float, speaks: str) -> None:
    assert completeness_verdict(CompletenessGap(total, 10.0, METHODS["deep_lift"].promise)).speaks == speaks


def steps(*ranks: float | None) -> RandomizationCascade:
    made = tuple(RandomizationStep(("dense1",), np.eye(2), MapSimilarity(rank, rank)) for rank in ranks)
    return RandomizationCascade(np.eye(2), made, MapSimilarity(0.0, 0.0))


@pytest.mark.parametrize(
    ("ranks", "speaks"),
    [((0.1, -0.1), "for"), ((-0.4, 0.3), "open"), ((0.9, 0.5), "against"), ((-0.9, -0.9), "against"), ((None,), "for")],
)
def test_a_map_that_outlives_what_was_learned_is_judged_whatever_its_sign(ranks: tuple, speaks: str) -> None:
    assert cascade_verdict(steps(*ranks)).speaks == speaks


@pytest.mark.parametrize(("rank", "speaks"), [(0.05, "for"), (-0.3, "open"), (0.8, "against"), (None, "for")])
def test_the_untrained_copy_is_judged_alike(rank: float | None, speaks: str) -> None:
    found = untrained_verdict(MapSimilarity(rank, rank))
    assert found.speaks == speaks
    assert rank is None or f"{rank:.2f}".replace("-", "−") in found.text


def test_the_league_names_who_clearly_beats_the_centre() -> None:
    def row(name: str, value: float, low: float) -> PointingResult:
        return PointingResult(name, Rate(value, low, 1.0), None, 100, 0)

    low, high = row(RANDOM, 0.2, 0.1), row(CENTRE, 0.7, 0.6)
    found = pointing_game_verdict(PointingGame((row("a", 0.9, 0.8), row("b", 0.75, 0.65)), low, high, 0.2))
    assert found.speaks == "for" and found.text.startswith("1 of 2") and "90%" in found.text and "70%" in found.text
    assert pointing_game_verdict(PointingGame((row("b", 0.75, 0.65),), low, high, 0.2)).speaks == "against"
