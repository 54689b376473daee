"""Shapes are where their masks say, and nothing else in a picture depends on them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.data.synthetic import shapes
from core.data.synthetic.shapes import REACH, SHAPES, draw_shapes


def _grown(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return masks that are one pixel larger on all sides."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    return np.any([padded[:, row : row + 32, column : column + 32] for row in range(3) for column in range(3)], 0)


def test_form() -> None:
    arrays = draw_shapes(25)
    assert arrays.images.shape == (25, 3, 32, 32)
    assert arrays.images.dtype == np.uint8
    assert arrays.masks is not None
    assert arrays.masks.shape == (25, 32, 32)
    assert arrays.masks.dtype == bool
    assert sorted(np.bincount(arrays.labels)) == [2] * 5 + [3] * 5


def test_same_seed_same_pixels() -> None:
    first, same, other = draw_shapes(20, seed=7), draw_shapes(20, seed=7), draw_shapes(20, seed=8)
    assert all(np.array_equal(vars(first)[key], vars(same)[key]) for key in vars(first))
    assert not np.array_equal(first.images, other.images)


def test_masks_are_exactly_where_the_shape_changes_the_picture() -> None:
    arrays = draw_shapes(200, seed=1)
    assert arrays.masks is not None
    empty = shapes._paint(np.zeros((200, 32, 32)), np.random.default_rng([1, 1]))
    changed = (arrays.images != empty).any(axis=1)
    assert not changed[~_grown(_grown(arrays.masks))].any()  # points thinner than half a pixel reach outside
    assert changed[~_grown(arrays.masks)].mean() < 0.001
    assert changed[arrays.masks].mean() > 0.999


def test_inside_a_mask_is_one_colour() -> None:
    arrays = draw_shapes(200, seed=1)
    assert arrays.masks is not None
    for image, inside in zip(arrays.images, ~_grown(~arrays.masks), strict=True):
        assert image[:, inside].std(axis=1).max() < 8  # noise of 4 levels, no texture


def test_background_does_not_know_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = draw_shapes(200, seed=2)
    turned = dict(zip(SHAPES, [*list(SHAPES.values())[1:], SHAPES["circle"]], strict=True))
    monkeypatch.setattr(shapes, "SHAPES", turned)
    others = draw_shapes(200, seed=2)
    assert arrays.masks is not None
    assert others.masks is not None
    around = ~_grown(_grown(arrays.masks | others.masks))
    assert np.array_equal(arrays.images.transpose(0, 2, 3, 1)[around], others.images.transpose(0, 2, 3, 1)[around])
    assert not np.array_equal(arrays.masks, others.masks)


@pytest.mark.parametrize("name", SHAPES)
def test_shape_stays_in_the_frame(name: str) -> None:
    assert np.linalg.norm(SHAPES[name][0], axis=1).max() <= REACH
    rng = np.random.default_rng(0)
    for _ in range(20):
        coverage = shapes._coverage(name, rng)
        area = (coverage >= 128).sum()
        assert 60 < area < 500
        assert abs(area - coverage.sum() / 255) < 12  # cut off at half a pixel, gains and losses even out


def test_ring_has_a_hole_of_the_background() -> None:
    coverage = shapes._coverage("ring", np.random.default_rng(3))
    rows, columns = np.nonzero(coverage)
    centre = coverage[round(rows.mean()), round(columns.mean())]
    assert centre == 0
