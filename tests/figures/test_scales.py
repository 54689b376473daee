"""A scale gives each value its colour, and says which."""

import numpy as np
import pytest

from core.figures.palette import MISSING, diverging, sequential
from core.figures.scales import ColorScale, legend, scale_of_each
from core.formatting import number


def test_values_without_negatives_get_a_sequential_scale_from_zero() -> None:
    scale = ColorScale.of(np.array([[[2.0, 5.0]], [[3.0, 4.0]]]))
    assert scale == ColorScale("sequential", 0.0, 5.0)
    assert scale.rgb([0.0, 5.0, 2.5]).tolist() == [
        sequential()[0].tolist(), sequential()[255].tolist(), sequential()[128].tolist(),
    ]  # fmt: skip


def test_negative_values_get_a_diverging_scale_centred_on_zero() -> None:
    scale = ColorScale.of([-1.0, 4.0])
    assert scale == ColorScale("diverging", -4.0, 4.0)
    assert scale.rgb(0.0).tolist() == [247, 247, 247]
    assert scale.rgb(4.0).tolist() == diverging()[255].tolist()
    assert scale.rgb(-4.0).tolist() == diverging()[1].tolist()


def test_a_value_and_its_opposite_are_equally_far_from_white() -> None:
    scale = ColorScale("diverging", -1, 1)
    values = np.linspace(0, 1.5, 400)
    assert (scale.index(values).astype(int) - 128 == 128 - scale.index(-values).astype(int)).all()


def test_the_kind_can_be_fixed() -> None:
    assert ColorScale.of([1.0, 2.0], signed=True) == ColorScale("diverging", -2.0, 2.0)
    assert ColorScale.of([-3.0, 2.0], signed=False) == ColorScale("sequential", 0.0, 2.0)


def test_a_percentile_leaves_extremes_outside() -> None:
    values = np.r_[np.linspace(0, 1, 1000), 50.0]
    assert ColorScale.of(values).high == 50
    assert ColorScale.of(values, percentile=99).high == pytest.approx(np.percentile(values, 99))
    assert ColorScale.of(np.r_[np.zeros(1000), 7.0], percentile=99).high == 7  # not zero


@pytest.mark.parametrize("maps", [np.zeros((2, 3, 3)), np.full(4, np.nan), np.empty((0, 2, 2)), np.full(3, np.inf)])
def test_without_a_usable_value_everything_is_zero(maps: np.ndarray) -> None:
    scale = ColorScale.of(maps)
    assert scale == ColorScale("sequential", 0.0, 0.0)
    assert scale.rgb(0.0).tolist() == sequential()[0].tolist()
    assert legend(scale).text == "Every value is zero."
    signed = ColorScale.of(np.zeros(3), signed=True)
    assert signed.rgb(0.0).tolist() == [247, 247, 247]
    assert str(signed.low) == "0.0"


def test_what_is_not_finite_is_grey_or_at_the_end() -> None:
    scale = ColorScale.of([-2.0, np.nan, np.inf, 1.0])
    assert scale.high == 2
    assert scale.rgb([np.nan, np.inf, -np.inf]).tolist() == [
        list(MISSING), diverging()[255].tolist(), diverging()[1].tolist(),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1e-42, 1e-300, 3e38])
def test_sizes_near_the_ends_of_the_number_range_work(size: float) -> None:
    scale = ColorScale.of([-size, size])
    assert scale.index([-size, 0.0, size]).tolist() == [1, 128, 255]


def test_plotly_gets_the_same_colours() -> None:
    for scale in (ColorScale("diverging", -3, 3), ColorScale("sequential", 0, 3)):
        stops = scale.plotly()
        places = np.array([place for place, _ in stops])
        assert places[0] == 0
        assert places[-1] == 1
        for value in np.linspace(scale.low, 3, 23):
            nearest = np.abs(places - (value - scale.low) / (3 - scale.low)).argmin()
            colour = list(bytes.fromhex(stops[nearest][1][1:]))
            assert np.abs(scale.rgb(value).astype(int) - colour).max() <= 5


def test_the_legend_names_its_ends_and_its_colours() -> None:
    found = legend(ColorScale("diverging", -0.5, 0.5))
    assert found.labels == ("−0.5", "0", "0.5")
    assert found.css.startswith("linear-gradient(to right, #053061")
    assert found.css.endswith("#67001f)")
    assert "#f7f7f7" in found.css
    assert "0.5 or more" in found.text
    found = legend(ColorScale("sequential", 0, 1234.5))
    assert found.labels == ("0", "617", "1,230")
    assert found.text.startswith("Dark is zero")


def test_numbers_have_a_real_minus_sign() -> None:
    assert number(-0.012345) == "−0.0123"
    assert number(-0.012345, 1) == "−0.01"
    assert number(0) == "0"
    assert number(-123456) == "−123,000"
    assert number(1.25e-7, 2) == "1.2e−7"
    assert number(2e9) == "2e9"


def test_each_map_has_a_scale_that_the_same_map_of_another_network_shares() -> None:
    one, other = np.array([[1.0, 2.0], [0.0, 0.5]]), np.array([[4.0, 0.0], [0.25, 0.0]])
    assert scale_of_each([one, other]) == [ColorScale("sequential", 0, 4), ColorScale("sequential", 0, 0.5)]
    assert scale_of_each([one, -other]) == [ColorScale("diverging", -4, 4), ColorScale("diverging", -0.5, 0.5)]
