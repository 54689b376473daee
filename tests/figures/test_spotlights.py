"""A spotlight keeps the pixels inside its frame and darkens those outside."""

import numpy as np

from core.figures.overlays import spotlight


def test_inside_stays_outside_darkens_and_a_frame_parts_them() -> None:
    pixels = np.full((6, 8, 3), 200, dtype=np.uint8)
    shown = spotlight(pixels, (1, 2, 4, 7), zoom=10)
    assert shown.shape == (60, 80, 3)
    assert shown.dtype == np.uint8
    inner = shown[10:40, 20:70]
    assert (inner[4:-4, 4:-4] == 200).all()
    assert (inner[0] == 0).all() and (inner[-1] == 0).all() and (inner[:, 0] == 0).all() and (inner[:, -1] == 0).all()
    assert (inner[1, 1:-1] == 255).all() and (inner[1:-1, -2] == 255).all()
    outside = np.ones((60, 80), dtype=bool)
    outside[10:40, 20:70] = False
    assert (shown[outside] == 80).all()
    assert (pixels == 200).all()


def test_pixels_stay_sharp_and_the_default_size_suits_the_screen() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    shown = spotlight(pixels, (0, 0, 32, 32))
    assert shown.shape == (384, 384, 3)
    assert np.array_equal(shown[6::12, 6::12], pixels)


def test_small_and_empty_boxes_do_no_harm() -> None:
    pixels = np.full((4, 4, 3), 100, dtype=np.uint8)
    assert (spotlight(pixels, (0, 0, 0, 0), zoom=3) == 40).all()
    assert spotlight(pixels, (3, 3, 4, 4), zoom=1).shape == (4, 4, 3)
