"""Maps of a cascade are drawn in one scale, each in full contrast, with white for zero."""

import numpy as np
import pytest

from core.figures.grids import cascade_tiles, unit_map
from core.figures.palette import diverging, sequential

MAP = np.array([[0.0, 2.0], [-4.0, 1.0]])


def test_each_map_is_divided_by_its_own_size() -> None:
    assert unit_map(MAP, 100) == pytest.approx(MAP / 4)
    assert unit_map(1e-6 * MAP) == pytest.approx(unit_map(MAP))
    assert np.abs(unit_map(np.random.default_rng(0).normal(size=(20, 20)))).max() == 1
    assert not unit_map(np.zeros((3, 3))).any()


def test_tiles_have_the_colours_of_one_scale() -> None:
    tiles, scale = cascade_tiles([MAP, 10 * MAP, np.zeros((2, 2))], signed=True)
    assert tiles.shape == (3, 128, 128, 3)
    assert (scale.low, scale.high) == (-1, 1)
    assert np.array_equal(tiles[0], tiles[1])
    assert np.array_equal(tiles[0, 0, 0], diverging()[128]) and (tiles[2] == diverging()[128]).all()
    assert np.array_equal(tiles[0, 127, 0], diverging()[1])
    sizes, scale = cascade_tiles([np.abs(MAP)], signed=False)
    assert (scale.kind, scale.low) == ("sequential", 0)
    assert np.array_equal(sizes[0, 0, 0], sequential()[0]) and np.array_equal(sizes[0, 127, 0], sequential()[255])
