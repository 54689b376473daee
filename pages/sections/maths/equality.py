"""Whether a number by hand equals torch's, as a sign beside it."""

import numpy as np

from core.formatting import number

CLOSE = 1e-9  # the largest difference that still counts as equal, as a share of the number


def equal(hand: float, torchs: float) -> bool:
    """Say whether two numbers are the same but for rounding; what is no number equals what is none."""
    return bool(np.isclose(hand, torchs, rtol=CLOSE, atol=1e-12, equal_nan=True))


def equality_badge(hand: float, torchs: float, which: str = "autograd") -> str:
    """Write a check as Markdown: both numbers, and whether they are the same."""
    words = f"by hand **{number(hand, 5)}** · {which} **{number(torchs, 5)}**"
    if equal(hand, torchs):
        return f"{words} :material/check: equal"
    return f"{words} :material/close: they differ by {number(abs(hand - torchs), 2)}"
