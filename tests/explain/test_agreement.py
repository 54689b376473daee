"""Agreement between methods: the numbers are scipy's, hand-computed, or follow from what the words mean."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from core.errors import ExplainError
from core.explain.metrics.agreement import CHANCE_PERCENTILE, agreement_of, overlaps_when_shifted, products_when_shifted

SHAPE = (8, 10)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE)


def test_a_map_agrees_fully_with_itself_and_is_contradicted_by_its_reverse() -> None:
    values = np.abs(noise(0))
    found = agreement_of({"a": values, "b": values * 7, "reversed": values.max() + 1 - values})
    assert found.methods == ("a", "b", "reversed")
    assert np.allclose(found.correlation, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])
    assert found.overlap[0, 1] == 1
    assert found.overlap[0, 2] == 0
    assert found.pairs()[0] == (0, 1)
    assert not found.left_out


def test_correlations_are_those_of_scipy_also_with_ties() -> None:
    maps = {"a": noise(1), "b": noise(1).round(), "c": np.abs(noise(3)).round()}
    found = agreement_of(maps, signed={"a", "b"})
    sizes = [np.abs(maps["a"]), np.abs(maps["b"]), maps["c"]]
    for first in range(3):
        for second in range(3):
            expected = spearmanr(sizes[first].ravel(), sizes[second].ravel()).statistic
            assert found.correlation[first, second] == pytest.approx(expected)
    expected = spearmanr(maps["a"].ravel(), maps["b"].ravel()).statistic
    assert found.signed_correlation[0, 1] == pytest.approx(expected)
    assert np.isnan(found.signed_correlation[2]).all()


def test_signed_maps_are_compared_by_size_and_unsigned_ones_as_they_are() -> None:
    values = noise(4)
    found = agreement_of({"for": values, "against": -values, "size": np.abs(values)}, signed={"for", "against"})
    assert np.allclose(found.correlation, 1)
    assert found.signed_correlation[0, 1] == pytest.approx(-1)


def test_two_maps_are_enough() -> None:
    a, b = np.arange(20.0).reshape(4, 5), np.arange(20.0)[::-1].reshape(4, 5)
    found = agreement_of({"a": a, "b": b})
    assert np.allclose(found.correlation, [[1, -1], [-1, 1]])
    assert found.overlap.tolist() == [[1, 0], [0, 1]]


def test_the_overlap_is_counted_by_hand() -> None:
    # 20 pixels: the top tenth are two.
    a, b = np.zeros((4, 5)), np.zeros((4, 5))
    a.flat[[0, 1]] = 5, 4
    b.flat[[1, 2]] = 9, 9
    found = agreement_of({"a": a, "b": b})
    assert found.overlap[0, 1] == pytest.approx(1 / 3)


def test_pixels_as_large_as_the_last_belong_to_the_top_and_zeros_never_do() -> None:
    tied, sparse = np.ones((4, 5)), np.zeros((4, 5))
    tied.flat[:6] = 2  # six share the two places
    sparse.flat[3] = 1  # one alone: the second place stays empty
    found = agreement_of({"tied": tied, "sparse": sparse})
    assert found.overlap[0, 1] == pytest.approx(1 / 6)


def test_a_larger_top_can_be_asked_for() -> None:
    a, b = np.arange(20.0).reshape(4, 5), np.arange(20.0).reshape(4, 5)
    b.flat[[19, 9]] = b.flat[[9, 19]]
    assert agreement_of({"a": a, "b": b}, share=0.5).overlap[0, 1] == pytest.approx(9 / 11)
    for wrong in (0, 0.6, float("nan")):
        with pytest.raises(ExplainError, match="share above 0"):
            agreement_of({"a": a, "b": b}, share=wrong)


def test_the_dispute_is_the_spread_of_ranks() -> None:
    a = np.array([[0.0, 1, 2, 3]])
    b = np.array([[3.0, 1, 2, 0]])
    found = agreement_of({"a": a + 1, "b": b + 1})
    assert np.allclose(found.dispute, [[0.5, 0, 0, 0.5]])
    assert found.sign_dispute is None


def test_the_sign_dispute_is_the_share_of_the_minority() -> None:
    a = np.array([[4.0, 3.0, -4.0, 0.1, 0.1, 0.1, 0.2, 0.2]])
    b, c = a.copy(), a.copy()
    b[0, 0] = -4.0
    c[0, 2] = 0.05  # too small to have a say
    found = agreement_of({"a": a, "b": b, "c": c, "size": np.abs(a)}, signed={"a", "b", "c"})
    assert found.sign_dispute is not None
    assert np.allclose(found.sign_dispute[0, :4], [1 / 3, 0, 0, 0])
    assert found.sign_dispute.max() <= 0.5


def test_what_cannot_be_compared_is_left_out_and_named() -> None:
    broken = noise(5)
    broken[0, 0] = np.nan
    maps = {"a": np.abs(noise(6)), "blank": np.zeros(SHAPE), "broken": broken, "flat": np.ones(SHAPE), "b": noise(7)}
    found = agreement_of(maps, signed={"b"}, left_out={"LRP": "It has no rule for this layer."})
    assert found.methods == ("a", "b")
    assert found.correlation.shape == found.overlap.shape == found.overlap_chance.shape == (2, 2)
    assert list(found.left_out) == ["LRP", "blank", "broken", "flat"]
    assert "every value is zero" in found.left_out["blank"]
    assert "not finite" in found.left_out["broken"]
    assert "same size everywhere" in found.left_out["flat"]


def test_one_map_is_not_enough() -> None:
    with pytest.raises(
        ExplainError, match=r"takes two maps.*LRP is left out: No rule\. blank is left out: it is blank"
    ):
        agreement_of({"a": noise(8), "blank": np.zeros(SHAPE)}, signed={"a"}, left_out={"LRP": "No rule."})
    with pytest.raises(ExplainError, match="takes two maps"):
        agreement_of({})
    with pytest.raises(ExplainError, match="one size"):
        agreement_of({"a": noise(8), "b": noise(8).T})


def test_chance_is_every_shift_of_one_map_over_the_other() -> None:
    maps = np.stack([noise(9), noise(10), noise(9) + noise(11)])
    masks = maps > 0.8
    products, overlaps = products_when_shifted(maps), overlaps_when_shifted(masks)
    assert list(products) == list(overlaps) == [(0, 1), (0, 2), (1, 2)]
    for first, second in products:
        for row, col in ((0, 0), (3, 7), (5, 1)):
            moved = np.roll(maps[second], (row, col), axis=(0, 1))
            expected = np.corrcoef(maps[first].ravel(), moved.ravel())[0, 1]
            assert products[first, second][row, col] == pytest.approx(expected)
            moved = np.roll(masks[second], (row, col), axis=(0, 1))
            expected = (masks[first] & moved).sum() / (masks[first] | moved).sum()
            assert overlaps[first, second][row, col] == pytest.approx(expected)
        assert products[first, second].mean() == pytest.approx(0, abs=1e-12)


def test_smooth_maps_agree_by_chance_more_than_rough_ones() -> None:
    rough = agreement_of({"a": noise(12), "b": noise(13)}, signed={"a", "b"})
    rows, columns = np.mgrid[:8, :10]
    smooth = agreement_of(
        {"a": np.exp(-((rows - 2) ** 2)) + columns * 1e-3, "b": np.exp(-((rows - 6) ** 2)) + rows * 1e-3}
    )
    assert 0 < rough.correlation_chance[0, 1] < smooth.correlation_chance[0, 1]
    assert rough.overlap_chance[0, 1] < smooth.overlap_chance[0, 1]
    assert CHANCE_PERCENTILE == 95


def test_chance_is_exceeded_by_as_many_shifts_as_it_says() -> None:
    a, b = np.abs(noise(14)), np.abs(noise(15))
    found = agreement_of({"a": a, "b": b}, signed={"a", "b"})
    assert np.allclose(found.signed_chance, found.correlation_chance)  # nothing is negative
    assert np.isnan(agreement_of({"a": a, "b": b}, signed={"a"}).signed_chance[0, 1])
    shifted = [
        spearmanr(a.ravel(), np.roll(b, (row, col), axis=(0, 1)).ravel()).statistic
        for row in range(SHAPE[0])
        for col in range(SHAPE[1])
    ]
    assert found.correlation_chance[0, 1] == pytest.approx(np.percentile(shifted, 95))
