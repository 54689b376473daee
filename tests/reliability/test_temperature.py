"""Temperature: the brute-force optimum, and never another answer."""

import numpy as np
import pytest
from scipy.special import softmax

from core.errors import ExplainError
from core.reliability.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, cross_entropy, fit_temperature


def answers(heat: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return scores that are `heat` times what they should be, and classes drawn by what they should be."""
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(count, 5)) * 2
    labels = np.array([rng.choice(5, p=softmax(row)) for row in honest])
    return honest * heat, labels


@pytest.mark.parametrize("heat", [0.4, 1.0, 3.0])
def test_it_undoes_scores_that_are_too_large_or_too_small(heat: float) -> None:
    logits, labels = answers(heat)
    assert fit_temperature(logits, labels).value == pytest.approx(heat, rel=0.06)


@pytest.mark.parametrize("heat", [0.4, 1.0, 3.0])
def test_it_is_the_best_of_a_brute_force_search(heat: float) -> None:
    logits, labels = answers(heat, 500)
    tried = np.geomspace(MIN_TEMPERATURE, MAX_TEMPERATURE, 6001)
    losses = [cross_entropy(logits / value, labels) for value in tried]
    found = fit_temperature(logits, labels)
    assert found.value == pytest.approx(tried[int(np.argmin(losses))], rel=2e-3)
    assert found.loss <= min(losses) + 1e-9
    assert found.loss == pytest.approx(cross_entropy(logits / found.value, labels), abs=1e-12)
    assert found.raw_loss == pytest.approx(cross_entropy(logits, labels), abs=1e-12)
    assert found.loss <= found.raw_loss


def test_it_never_changes_the_order_of_the_classes() -> None:
    rng = np.random.default_rng(2)
    logits = (rng.normal(size=(300, 7)) * 5).astype(np.float32)
    for value in (0.07, 0.8, 1.5, 19.0):
        temperature = fit_temperature(logits * value, rng.integers(0, 7, 300))
        found = temperature.calibrated(logits)
        assert (found.argmax(axis=1) == logits.argmax(axis=1)).all()
        assert np.allclose(found.sum(axis=1), 1)
        assert np.allclose(found, softmax(logits.astype(np.float64) / temperature.value, axis=1))


def test_a_network_that_is_always_right_has_its_temperature_at_the_limit() -> None:
    logits = np.eye(4)
    found = fit_temperature(logits, np.arange(4))
    assert found.at_limit
    assert found.value == pytest.approx(MIN_TEMPERATURE, rel=1e-3)
    worst = fit_temperature(logits, (np.arange(4) + 1) % 4)
    assert worst.at_limit


def test_what_cannot_be_calibrated_is_refused() -> None:
    with pytest.raises(ExplainError, match="there are none"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(ExplainError, match="not finite"):
        fit_temperature(np.array([[np.nan, 0.0]]), np.array([0]))
