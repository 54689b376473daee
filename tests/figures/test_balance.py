"""Images of a data set are shown as they are, and dimmed exactly where the mask is false."""

import io

import numpy as np
from PIL import Image

from core.figures.balance import balance_rows, balance_sentence
from core.figures.grids import sample_strip


def read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_every_pixel_becomes_a_block_of_its_colour() -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(3, 3, 28, 28), dtype=np.uint8)
    sheet = read(sample_strip(images))
    zoom, gap = 4, 8
    assert sheet.shape == (28 * zoom, 3 * 28 * zoom + 2 * gap, 4)
    for index, image in enumerate(images):
        left = index * (28 * zoom + gap)
        block = sheet[:, left : left + 28 * zoom, :3]
        np.testing.assert_array_equal(block, image.transpose(1, 2, 0).repeat(zoom, 0).repeat(zoom, 1))
    assert not sheet[:, 28 * zoom : 28 * zoom + gap, 3].any()


def test_grey_images_are_grey_and_small_ones_are_enlarged_more() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    sheet = read(sample_strip(image))
    assert sheet.shape == (112, 112, 4)
    np.testing.assert_array_equal(sheet[::14, ::14, :3], image[0].transpose(1, 2, 0).repeat(3, axis=2))


def test_pixels_outside_the_mask_keep_a_fifth_of_their_light() -> None:
    images = np.full((1, 3, 112, 112), 200, dtype=np.uint8)
    mask = np.zeros((1, 112, 112), dtype=bool)
    mask[0, 3, 5] = True
    sheet = read(sample_strip(images, mask))
    assert sheet[3, 5, :3].tolist() == [200] * 3
    assert (sheet[..., :3] == 200).all(axis=2).sum() == 1
    assert sheet[0, 0, :3].tolist() == [40] * 3


def test_the_rows_of_the_class_balance_add_up() -> None:
    counts = {"train": [4, 2], "valid": [1, 1], "test": [3, 0]}
    rows = balance_rows(("a", "b"), counts)
    assert sum(row["images"] for row in rows) == 11
    assert [row["images"] for row in rows if row["class"] == "a"] == [4, 1, 3]


def test_the_class_balance_is_said_in_words() -> None:
    assert balance_sentence(("a", "b"), [5000, 5000]) == "Each class has 5,000 images."
    assert balance_sentence(("a", "b"), [7, 1234]) == "Each class has between 7 (a) and 1,234 (b) images."
