"""Hand-made operations as pictures: maps in their colours, marks where they belong."""

import io

import numpy as np
from PIL import Image

from core.figures.classical import kernel_pair, operation_picture, operation_scale
from core.figures.palette import diverging, sequential
from core.probe.classical import ClassicalResult

PIXELS = np.full((20, 20, 3), 90, dtype=np.uint8)


def test_maps_get_the_colours_of_their_kind_scaled_by_themselves() -> None:
    values = np.zeros((20, 20))
    values[3, 4:], values[5, 6] = 2, -1
    signed = operation_picture(PIXELS, ClassicalResult(values, signed=True), zoom=2)
    assert signed.shape == (40, 40, 3)
    assert np.array_equal(signed[6, 8], diverging()[255])
    assert np.array_equal(signed[0, 0], diverging()[128])
    assert np.array_equal(signed[10, 12], diverging()[128 - 64])
    unsigned = operation_picture(PIXELS, ClassicalResult(values.clip(min=0)), zoom=1)
    assert np.array_equal(unsigned[3, 4], sequential()[255])
    assert np.array_equal(unsigned[0, 0], sequential()[0])
    scale = operation_scale(ClassicalResult(values, signed=True))
    assert scale is not None and (scale.low, scale.high) == (-2, 2)


def changed(result: ClassicalResult, zoom: int = 10) -> np.ndarray:
    """Return where the picture is drawn over, (H · zoom, W · zoom)."""
    assert operation_scale(result) is None
    return (operation_picture(PIXELS, result, zoom=zoom) != 90).any(axis=2)


def test_marks_are_drawn_around_the_middle_of_their_pixels() -> None:
    circle = changed(ClassicalResult(circles=np.array([[10.0, 8.0, 5.0]])))
    assert not circle[105, 85] and circle[105, 85 + 50] and circle[105 - 50, 85] and not circle[105, 85 + 60]
    line = changed(ClassicalResult(segments=np.array([[2.0, 3.0, 2.0, 15.0]])))
    assert line[25, 35:155].all() and not line[25, 170:].any() and not line[40:].any()
    point = changed(ClassicalResult(points=np.array([[10.0, 10.0, 8.0, np.pi / 2]])))
    assert point[105, 105] and point[105 + 12, 105] and not point[105 - 12, 105], "a quarter turn points downwards"
    assert point[105, 105 + 80] and point[105 - 80, 105], "the circle around what it describes"


def test_nothing_found_leaves_the_picture_as_it_is() -> None:
    assert not changed(ClassicalResult(note="There is no circle.")).any()


def test_two_kernels_stand_side_by_side_each_with_colours_of_its_own() -> None:
    learned, known = np.zeros((3, 3)), np.zeros((3, 3))
    learned[0, 0], known[2, 2] = 0.01, -4
    image = np.asarray(Image.open(io.BytesIO(kernel_pair(learned, known))).convert("RGBA"))
    height, width, _ = image.shape
    assert width > 2 * height and height % 3 == 0
    assert np.array_equal(image[0, 0, :3], diverging()[255])
    assert np.array_equal(image[-1, -1, :3], diverging()[1])
    assert image[0, width // 2, 3] == 0, "the gap lets the page through"
