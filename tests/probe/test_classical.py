"""Operations agree with scikit-image called by hand, find what was drawn, and say why there is nothing."""

import numpy as np
import pytest
import skimage as ski
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import ConvScopeError
from core.model.handmade import kernel
from core.probe.classical import CLASSICAL, apply_classical

Floats = NDArray[np.float64]
ROWS, COLS = np.indices((48, 40))
DISC = ((ROWS - 20) ** 2 + (COLS - 18) ** 2 <= 11**2) * 1.0
BAR = (np.abs(ROWS - 24) <= 1) * (np.abs(COLS - 20) <= 14) * 1.0
NOISE = np.random.default_rng(0).random((32, 28))
EVEN = "too even, too small or too faint"

DIRECT = {
    "sobel_x": ski.filters.sobel_v,
    "sobel_y": ski.filters.sobel_h,
    "sobel": ski.filters.sobel,
    "laplacian": lambda grey: -ski.filters.laplace(grey),
    "canny": lambda grey: ski.feature.canny(grey, sigma=1),
    "gaussian": lambda grey: ski.filters.gaussian(grey, sigma=1),
    "gabor": lambda grey: ski.filters.gabor(grey, frequency=0.25, theta=0)[0],
    "hog": lambda grey: ski.feature.hog(grey, pixels_per_cell=(4, 4), cells_per_block=(1, 1), visualize=True)[1],
}


@pytest.mark.parametrize("name", [name for name, operation in CLASSICAL.items() if operation.kind == "map"])
def test_maps_are_those_of_scikit_image(name: str) -> None:
    result = apply_classical(name, NOISE)
    assert result.values is not None
    assert np.array_equal(result.values, DIRECT[name](NOISE))
    assert result.signed == (result.values.min() < 0)


@pytest.mark.parametrize(("name", "factor"), [("sobel_x", 4), ("sobel_y", 4), ("laplacian", 1)])
def test_maps_are_hand_made_kernels_laid_over_the_picture(name: str, factor: int) -> None:
    by_hand = ndimage.correlate(NOISE, kernel(name)) / factor
    values = apply_classical(name, NOISE).values
    assert values is not None
    assert values[1:-1, 1:-1] == pytest.approx(by_hand[1:-1, 1:-1])


def test_brightness_that_grows_to_the_right_is_positive_in_x_and_nothing_in_y() -> None:
    ramp = np.tile(np.linspace(0, 1, 12), (10, 1))
    right, down = apply_classical("sobel_x", ramp).values, apply_classical("sobel_y", ramp).values
    assert right is not None and down is not None
    assert right[1:-1, 1:-1] == pytest.approx(2 / 11) and down == pytest.approx(0)
    assert apply_classical("sobel_x", ramp[:, ::-1]).values == pytest.approx(-right[:, ::-1])


def test_settings_reach_scikit_image() -> None:
    found = apply_classical("gabor", NOISE, theta=90, frequency=0.4).values
    assert np.array_equal(found, ski.filters.gabor(NOISE, 0.4, theta=np.pi / 2)[0])
    assert np.array_equal(apply_classical("gaussian", NOISE, sigma=2.5).values, ski.filters.gaussian(NOISE, 2.5))
    assert len(apply_classical("orb", NOISE, count=3).points) == 3


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_setting_matters(name: str) -> None:
    for setting in CLASSICAL[name].options:
        first, last = (
            apply_classical(name, DISC + BAR + NOISE[:1, :1], **{setting.name: value})
            for value in (setting.min, setting.max)
        )
        assert any(
            not np.array_equal(getattr(first, part), getattr(last, part))
            for part in ("values", "points", "segments", "circles")
        ), setting.name


def test_hough_finds_the_line_that_was_drawn() -> None:
    for picture, turned in ((BAR, False), (BAR.T, True)):
        segments = apply_classical("hough_lines", picture).segments
        assert len(segments) >= 1
        for row0, col0, row1, col1 in segments if not turned else segments[:, [1, 0, 3, 2]]:
            assert {row0, row1} <= {21, 22, 23, 25, 26, 27} and abs(row0 - row1) <= 1  # the edges of the bar
            assert abs(col0 - col1) >= 12 and min(col0, col1) >= 4 and max(col0, col1) <= 36


def test_hough_finds_the_circle_that_was_drawn() -> None:
    row, col, radius = apply_classical("hough_circles", DISC).circles[0]
    assert (row, col) == (pytest.approx(20, abs=1), pytest.approx(18, abs=1))
    assert radius == pytest.approx(11, abs=1)
    assert len(apply_classical("hough_circles", BAR, share=0.7).circles) == 0


def test_sift_finds_the_blob_and_its_size() -> None:
    points = apply_classical("sift", DISC).points
    assert np.hypot(points[:, 0] - 20, points[:, 1] - 18).min() < 1
    assert points[:, 2].max() == pytest.approx(11, rel=0.2)


@pytest.mark.parametrize("name", ["sift", "orb"])
def test_key_points_of_a_large_picture_are_those_of_scikit_image(name: str) -> None:
    picture = ndimage.zoom(NOISE, 5, order=1)
    points = apply_classical(name, picture).points
    if name == "sift":
        direct = ski.feature.SIFT()
        direct.detect(picture)
        places = direct.positions
    else:
        direct = ski.feature.ORB(n_keypoints=40)
        direct.detect(picture)
        places = direct.keypoints
    assert len(points) > 3 and points[:, :2] == pytest.approx(np.asarray(places, dtype=float))


@pytest.mark.parametrize("name", ["sift", "orb"])
def test_angles_point_to_the_brighter_side_from_the_right_downwards(name: str) -> None:
    rows, cols = np.indices((48, 48))
    picture = 0.4 * np.exp(-((rows - 24) ** 2 + (cols - 24) ** 2) / 30) + 0.6 * cols / 48
    for turned, angle in (
        (picture, 0),
        (picture.T, np.pi / 2),
        (picture[:, ::-1], np.pi),
        (picture.T[::-1], -np.pi / 2),
    ):
        points = apply_classical(name, turned).points
        assert len(points) >= 1 and np.hypot(*(points[:, :2] - 24).T).max() < 6
        assert np.angle(np.exp(1j * (points[:, 3] - angle))) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("shape", [(4, 4), (8, 8), (5, 9)])
def test_tiny_and_constant_pictures_give_something_finite(name: str, shape: tuple[int, int]) -> None:
    for picture in (np.full(shape, 0.5), np.zeros(shape), np.random.default_rng(1).random(shape)):
        result = apply_classical(name, picture)
        if CLASSICAL[name].kind == "map":
            assert result.values is not None and result.values.shape == shape and np.isfinite(result.values).all()
        else:
            marks = [result.points, result.segments, result.circles]
            assert [part.shape[1] for part in marks] == [4, 4, 3]
            assert all(np.isfinite(part).all() for part in marks)
            assert (EVEN in result.note) == (sum(map(len, marks)) == 0)


@pytest.mark.parametrize("name", CLASSICAL)
def test_an_even_picture_has_no_marks_and_no_edges(name: str) -> None:
    result = apply_classical(name, np.full((20, 20), 0.5))
    assert len(result.points) == len(result.segments) == len(result.circles) == 0
    assert (EVEN in result.note) == (CLASSICAL[name].kind == "marks" or name == "canny")


@pytest.mark.parametrize("name", CLASSICAL)
def test_what_cannot_be_looked_at_gets_a_sentence(name: str) -> None:
    broken = NOISE.copy()
    broken[3, 3] = np.nan
    with pytest.raises(ConvScopeError, match="a number in every pixel"):
        apply_classical(name, broken)
    with pytest.raises(ConvScopeError, match="at least 4 × 4 pixels, not one of shape \\(3, 9\\)"):
        apply_classical(name, np.ones((3, 9)))
    with pytest.raises(ConvScopeError, match="needs a grey picture"):
        apply_classical(name, np.ones((3, 9, 9)))
    with pytest.raises(ConvScopeError, match="cannot take depth = 3"):
        apply_classical(name, NOISE, depth=3)


def test_wrong_names_and_numbers_get_a_sentence() -> None:
    with pytest.raises(ConvScopeError, match="no operation 'blobs': choose one of sobel_x"):
        apply_classical("blobs", NOISE)
    with pytest.raises(ConvScopeError, match=r"Canny cannot take sigma = 9: it takes sigma from 0\.1 to 5"):
        apply_classical("canny", NOISE, sigma=9)
