"""Pictures of a concept share it and nothing else."""

import colorsys

import numpy as np
import pytest

from core.data.synthetic.concepts import CONCEPTS, concepts_for, draw_concept
from core.errors import DataError


def hues(pictures: np.ndarray) -> np.ndarray:
    """Return the hue, 0 to 1, of each picture's mean colour."""
    means = pictures.mean(axis=(2, 3)) / 255
    return np.array([colorsys.rgb_to_hsv(*mean)[0] for mean in means])


@pytest.mark.parametrize("name", [*CONCEPTS, None])
@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 40, 24)])
def test_form_and_seed(name: str | None, shape: tuple[int, int, int]) -> None:
    first, same = draw_concept(name, 20, shape, seed=3), draw_concept(name, 20, shape, seed=3)
    assert first.shape == (20, *shape)
    assert first.dtype == np.uint8
    assert np.array_equal(first, same)
    assert not np.array_equal(first, draw_concept(name, 20, shape, seed=4))
    assert np.array_equal(first[:16], draw_concept(name, 16, shape, seed=3))


@pytest.mark.parametrize("name", [name for name, concept in CONCEPTS.items() if concept.hue is not None])
def test_colours_are_near_their_hue(name: str) -> None:
    hue = CONCEPTS[name].hue
    assert hue is not None
    away = np.abs(hues(draw_concept(name, 64, (3, 32, 32))) - hue)
    assert np.minimum(away, 1 - away).max() < 0.05


@pytest.mark.parametrize("name", ["stripes", "dots", "checks", None])
def test_patterns_and_random_pictures_have_any_hue(name: str | None) -> None:
    assert np.histogram(hues(draw_concept(name, 120, (3, 32, 32))), bins=4, range=(0, 1))[0].min() >= 15


def directions(pictures: np.ndarray) -> np.ndarray:
    """Return how far the brightness of each picture changes along one direction only, 0 to 1 (structure tensor)."""
    rows, columns = np.gradient(pictures.mean(axis=1), axis=(1, 2))
    across, down, both = ((a * b).mean(axis=(1, 2)) for a, b in ((columns, columns), (rows, rows), (rows, columns)))
    return np.sqrt((across - down) ** 2 + 4 * both**2) / (across + down)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 96, 96)])
def test_stripes_have_one_direction_and_checks_and_dots_have_two(shape: tuple[int, int, int]) -> None:
    means = {
        name: float(np.median(directions(draw_concept(name, 60, shape)))) for name in ("stripes", "checks", "dots")
    }
    assert means["stripes"] > 0.8
    assert max(means["checks"], means["dots"]) < 0.3


def test_grey_pictures_have_patterns_and_no_colours() -> None:
    assert concepts_for(1) == ("stripes", "checks", "dots")
    assert concepts_for(3) == tuple(CONCEPTS)
    contrast = draw_concept("stripes", 100, (1, 28, 28)).std(axis=(1, 2, 3))
    assert contrast.min() > 8  # noise alone has 4
    with pytest.raises(DataError, match="cannot show a concept 'red': choose one of stripes, checks, dots"):
        draw_concept("red", 1, (1, 28, 28))


def test_what_cannot_be_drawn_gets_a_sentence() -> None:
    with pytest.raises(DataError, match="cannot show a concept 'cats'"):
        draw_concept("cats", 1, (3, 8, 8))
    with pytest.raises(DataError, match="one or three channels, not in 4"):
        draw_concept("stripes", 1, (4, 8, 8))


def test_the_smallest_pictures_can_be_drawn() -> None:
    assert all(draw_concept(name, 3, (3, 8, 8)).std() > 5 for name in CONCEPTS)
