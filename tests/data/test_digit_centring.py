"""Digits are laid out as MNIST's makers say: the longer side 20 of 28 pixels, the centre of mass in the middle."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from core.data.datasets import load_dataset
from core.data.digit_centring import centre_digit
from core.data.fitting import fit_image

SIZE = (28, 28)


def stroke(*points: tuple[int, int], side: int = 280, width: int = 22) -> Image.Image:
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).line(points, 255, width, joint="curve")
    return image


def centre_of_mass(image: Image.Image) -> np.ndarray:
    values = np.asarray(image, np.float64)
    rows, columns = np.indices(values.shape)
    return np.array([(rows * values).sum(), (columns * values).sum()]) / values.sum()


@pytest.mark.parametrize(
    "points",
    [((20, 20), (60, 20), (40, 70)), ((200, 60), (260, 250)), ((10, 140), (270, 140)), ((130, 130), (150, 150))],
)
def test_the_longer_side_fills_the_box_and_the_mass_is_in_the_middle(points: tuple[tuple[int, int], ...]) -> None:
    found = centre_digit(stroke(*points), SIZE)
    left, top, right, bottom = found.point(lambda value: 255 * (value > 8)).getbbox()
    assert abs(max(right - left, bottom - top) - 20) <= 1
    assert np.abs(centre_of_mass(found) - 14).max() <= 0.75


def test_the_middle_is_where_mnist_s_own_digits_have_it() -> None:
    images = load_dataset("mnist5k").train.images[::20, 0].numpy()
    middles = [centre_of_mass(Image.fromarray(pixels)) for pixels in images]
    assert np.abs(np.array(middles) - 14).max() <= 0.6


def test_where_it_is_drawn_and_how_large_does_not_matter() -> None:
    shape = np.array([(0, 0), (60, 10), (30, 90)])
    at = [centre_digit(stroke(*map(tuple, shape + move)), SIZE) for move in ((10, 10), (200, 150), (90, 40))]
    assert all(np.array_equal(at[0], other) for other in at[1:])
    larger = centre_digit(stroke(*map(tuple, 2 * shape + 20), width=44), SIZE)
    assert np.abs(centre_of_mass(larger) - centre_of_mass(at[0])).max() <= 1
    assert abs(int(np.count_nonzero(larger)) - int(np.count_nonzero(at[0]))) < 30


def test_without_ink_it_stays_black() -> None:
    assert not np.asarray(centre_digit(Image.new("L", (280, 280), 9), SIZE)).any()


def test_real_digits_that_were_moved_and_shrunk_come_back_to_where_they_were() -> None:
    digits = load_dataset("mnist5k").test.images[::25, 0].numpy()
    before, after = [], []
    for pixels in digits:
        paper = Image.new("L", (280, 280))
        paper.paste(Image.fromarray(pixels).resize((140, 140), Image.Resampling.BICUBIC), (10, 120))
        plain, _ = fit_image(paper.convert("RGB"), (1, 28, 28))
        laid, stages = fit_image(paper.convert("RGB"), (1, 28, 28), centre=True)
        assert [stage.title for stage in stages][1:2] == ["Scaled and centred as in MNIST"]
        known = torch.from_numpy(pixels).float()
        before.append((plain[0].float() - known).abs().mean().item())
        after.append((laid[0].float() - known).abs().mean().item())
    assert np.mean(after) < 0.3 * np.mean(before)
