"""Grids put every map at its place in the colours of one scale."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from core.figures.grids import colorize, filters_as_rgb, sprite
from core.figures.palette import MISSING, sequential
from core.figures.scales import ColorScale


def opened(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG")
    image = Image.open(io.BytesIO(png))
    return np.asarray(image.convert("RGB") if image.mode == "P" else image)


def test_all_maps_share_one_scale() -> None:
    maps = torch.zeros(3, 2, 2)
    maps[1, 0, 0], maps[2, 1, 1] = 1, 2
    pixels = colorize(maps, ColorScale.of(maps))
    assert pixels.shape == (3, 2, 2, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[0] == sequential()[0]).all()  # a dead map has the colour of zero
    assert pixels[1, 0, 0].tolist() == sequential()[128].tolist()
    assert pixels[2, 1, 1].tolist() == sequential()[255].tolist()


def test_missing_values_are_grey() -> None:
    maps = np.ones((1, 2, 2))
    maps[0, 0, 1] = np.nan
    assert colorize(maps, ColorScale.of(maps))[0, 0, 1].tolist() == list(MISSING)


def test_maps_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="maps must have shape"):
        colorize(np.zeros((2, 2)), ColorScale("sequential", 0, 1))


def test_colour_filters_are_scaled_one_by_one_about_grey() -> None:
    kernels = np.zeros((4, 3, 2, 2))
    kernels[0, 0, 0, 0], kernels[0, 1, 0, 0] = 0.5, -0.25
    kernels[1, 2, 1, 1] = -10
    kernels[3, 0, 0, 0] = np.nan
    pixels = filters_as_rgb(kernels)
    assert pixels.shape == (4, 2, 2, 3)
    assert pixels[0, 0, 0].tolist() == [255, 64, 128]
    assert pixels[1, 1, 1].tolist() == [128, 128, 1]
    assert (pixels[2] == 128).all()
    assert (pixels[3] == 128).all()
    with pytest.raises(ValueError, match="kernels must have shape"):
        filters_as_rgb(np.zeros((4, 1, 2, 2)))


@pytest.mark.parametrize(("count", "columns", "gap", "zoom"), [(6, 3, 0, 1), (5, 3, 0, 1), (5, 2, 2, 3), (2, 8, 1, 1)])
def test_every_picture_of_a_sprite_is_where_it_should_be(count: int, columns: int, gap: int, zoom: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    sheet = opened(sprite(pixels, columns, gap=gap, zoom=zoom))
    across = min(columns, count)
    rows = -(-count // across)
    assert sheet.shape[:2] == (rows * (4 * zoom + gap) - gap, across * (5 * zoom + gap) - gap)
    covered = np.zeros(sheet.shape[:2], dtype=bool)
    for index in range(count):
        top, left = index // across * (4 * zoom + gap), index % across * (5 * zoom + gap)
        place = slice(top, top + 4 * zoom), slice(left, left + 5 * zoom)
        assert (sheet[place][..., :3] == pixels[index].repeat(zoom, 0).repeat(zoom, 1)).all()
        covered[place] = True
    assert sheet.shape[2] == (3 if covered.all() else 4)
    if sheet.shape[2] == 4:
        assert ((sheet[..., 3] == 255) == covered).all()


def test_a_sprite_needs_a_column_and_a_picture() -> None:
    pixels = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    for options in ({"columns": 0}, {"columns": 1, "zoom": 0}, {"columns": 1, "gap": -1}):
        with pytest.raises(ValueError, match="at least"):
            sprite(pixels, **options)
    with pytest.raises(ValueError, match="at least one"):
        sprite(pixels[:0], 1)


def test_a_sheet_of_few_colours_is_a_third_as_large_and_the_same() -> None:
    places = np.random.default_rng(0).integers(0, 256, (32, 24, 24))
    colours = np.random.default_rng(1).integers(0, 256, (256, 3), dtype=np.uint8)
    few, many = colours[places], np.random.default_rng(2).integers(0, 256, (32, 24, 24, 3), dtype=np.uint8)
    sheets = [sprite(pixels, 16) for pixels in (few, many)]
    for pixels, sheet in zip((few, many), sheets, strict=True):
        assert np.array_equal(opened(sheet).reshape(2, 24, 16, 24, 3).swapaxes(1, 2).reshape(pixels.shape), pixels)
    assert len(sheets[0]) < 0.4 * len(sheets[1])
