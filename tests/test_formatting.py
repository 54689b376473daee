"""Numbers as text have a true minus sign, and a zero has none."""

import pytest

from core.formatting import confidence, formatted, p_value, percentage, percentage_points


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (-0.5, ".2f", "−0.50"),
        (-0.001, ".2f", "0.00"),
        (-0.0001, ".1%", "0.0%"),
        (-1e-7, ".3g", "−1e−07"),
        (1.25, "+.1f", "+1.2"),
        (-12345, ",", "−12,345"),
        (float("-inf"), ".2f", "−inf"),
    ],
)
def test_a_minus_sign_stands_before_what_is_below_zero_only(value: float, spec: str, text: str) -> None:
    assert formatted(value, spec) == text


def test_shares_differences_and_p_values_have_one_form_each() -> None:
    assert (percentage(None), percentage(1.0), percentage(0.9742)) == ("–", "100.0%", "97.4%")
    assert (confidence(0.996), confidence(0.884)) == ("> 99%", "88%")
    assert (percentage_points(-0.004), percentage_points(0.1234), percentage_points(-0.0004)) == ("−0.4", "+12.3", "±0")
    assert (p_value(0.00099), p_value(0.0344), p_value(1.0)) == ("< 0.001", "0.034", "1")
