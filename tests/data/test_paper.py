"""A digit on paper becomes what the data set has it as: found in shadow, in pencil, on lined and on turned pages."""

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.assets import ASSETS
from core.data.datasets import load_dataset
from core.data.fitting import fit_image
from core.data.paper import read_paper
from tests.data.paper_photographs import KINDS, fifty

SHAPE = (1, 28, 28)


def laid(image: Image.Image) -> NDArray[np.uint8]:
    pixels, _ = fit_image(image, SHAPE, paper=read_paper(image))
    return pixels[0].numpy()


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the best correlation of two pictures that may lie a pixel apart."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(one, move, (0, 1)).ravel(), other.ravel())[0, 1]) for move in moves)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photographed_digit_is_the_test_digit_again(kind: str) -> None:
    found = [likeness(laid(photo), pixels) for photo, pixels, _ in islice(fifty(kind), 4)]
    assert sum(value >= (0.65 if kind == "pencil" else 0.8) for value in found) >= 4, found  # a pencil's are thinner


@pytest.mark.parametrize("inverted", [False, True])
def test_a_picture_that_is_laid_out_already_stays_up_to_a_pixel(inverted: bool) -> None:
    for pixels in load_dataset("mnist5k").test.images[::10, 0].numpy():
        image = Image.fromarray(255 - pixels if inverted else pixels).convert("RGB")
        assert likeness(laid(image), pixels) > 0.99


def test_what_was_done_is_shown_as_stages() -> None:
    image = Image.open(ASSETS / "samples" / "three-on-paper.jpg").convert("RGB")
    pixels, stages = fit_image(image, SHAPE, paper=read_paper(image), invert=True)
    assert [stage.title for stage in stages] == [
        *("Your picture", "Found", "Ink", "Centred as MNIST's digits are", "What the network receives")
    ]
    assert np.array_equal(np.asarray(stages[-1].image), pixels[0].numpy())
    assert pixels[0, 0].max() == 0  # its polarity is right already


@pytest.mark.parametrize(("darker", "codes"), [(0, {"empty"}), (90, {"empty", "edge", "crowded"})])
def test_an_empty_page_has_no_digit(darker: int, codes: set[str]) -> None:
    rows, columns = np.indices((300, 400))
    page = 220 - darker / (1 + np.exp(-(columns - 150 + rows / 3) / 12))
    page += np.random.default_rng(0).normal(0, 4, page.shape)
    reading = read_paper(Image.fromarray(page.astype(np.uint8)))
    assert reading.ink is None
    assert reading.code in codes


@pytest.mark.parametrize("name", ["cat", "rocket", "coffee", "astronaut"])
def test_a_photograph_of_something_else_goes_on_as_it_is(name: str) -> None:
    image = Image.open(ASSETS / "samples" / f"{name}.jpg").convert("RGB")
    reading = read_paper(image)
    assert reading.code
    assert np.array_equal(fit_image(image, SHAPE, paper=reading)[0], fit_image(image, SHAPE)[0])
