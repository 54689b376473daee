"""Images stand first in their row, set apart from their variants, with every pixel a block of its colour."""

import io

import numpy as np
from PIL import Image

from core.figures.variants import variant_sheet

RNG = np.random.default_rng(0)


def test_every_image_stands_before_its_own_variants() -> None:
    images = RNG.integers(0, 256, size=(2, 3, 32, 32), dtype=np.uint8)
    variants = RNG.integers(0, 256, size=(2, 4, 3, 32, 32), dtype=np.uint8)
    sheet = variant_sheet(images, variants)
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png)))
    side = 3 * 32
    begin = round(sheet.begin * pixels.shape[1])
    assert pixels.shape == (2 * side + 8, begin + 4 * side + 3 * 8, 4)
    assert begin > side + 8
    covered = np.zeros(pixels.shape[:2], dtype=bool)
    for row, (image, changed) in enumerate(zip(images, variants, strict=True)):
        for left, expected in [(0, image), *((begin + column * (side + 8), one) for column, one in enumerate(changed))]:
            place = (slice(row * (side + 8), row * (side + 8) + side), slice(left, left + side))
            block = expected.transpose(1, 2, 0).repeat(3, axis=0).repeat(3, axis=1)
            np.testing.assert_array_equal(pixels[place][..., :3], block)
            covered[place] = True
    np.testing.assert_array_equal(pixels[..., 3], np.where(covered, 255, 0))


def test_grey_images_are_grey_and_small_ones_are_enlarged_more() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    pixels = np.asarray(Image.open(io.BytesIO(variant_sheet(image, 255 - image[:, None]).png)))
    assert pixels.shape == (96, 96 + 24 + 96, 4)
    np.testing.assert_array_equal(pixels[::12, :96:12, :3], image[0].transpose(1, 2, 0).repeat(3, axis=2))
    np.testing.assert_array_equal(pixels[::12, 120::12, :3], 255 - image[0].transpose(1, 2, 0).repeat(3, axis=2))
