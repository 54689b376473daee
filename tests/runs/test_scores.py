"""An accuracy is a share where many images were asked about, and a count where they are few."""

import pytest
from scipy.stats import binomtest

from core.runs.scores import FEW_IMAGES, TOO_FEW, accuracy_text, caution


@pytest.mark.parametrize(
    ("share", "images", "words"),
    [(1.0, 2, "2 of 2"), (0.5, FEW_IMAGES - 1, "50 of 99"), (0.974, FEW_IMAGES, "97.4%"), (1.0, 0, "100.0%")],
)
def test_few_images_are_counted(share: float, images: int, words: str):
    assert accuracy_text(share, images) == words


def test_a_caution_stands_where_chance_leaves_no_more_than_a_guess():
    assert caution(1) == "1 image is too few to tell." and caution(TOO_FEW - 1).startswith("19 images are")
    assert caution(0) == caution(TOO_FEW) == ""
    bounds = binomtest(TOO_FEW - 1, TOO_FEW).proportion_ci(0.95, method="exact")
    assert (round(bounds.low, 2), round(bounds.high, 3)) == (0.75, 0.999)
