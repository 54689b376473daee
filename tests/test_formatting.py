"""Numbers as text have a true minus sign, and a zero has none."""

import pytest

from core.formatting import formatted


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
