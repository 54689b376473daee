"""Large pictures are compared by copies that are small, and made of exact means."""

import numpy as np
import pytest

from core.data.importing.near_duplicates import ENOUGH, alike, shrunk

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 3, 224, 193), dtype=np.uint8)


def test_copies_are_means_of_squares() -> None:
    small = shrunk(PICTURES)
    assert small.shape == (3, 3, 74, 64)
    assert small[1, 2, 5, 6] == pytest.approx(PICTURES[1, 2, 15:18, 18:21].mean())
    assert min(small.shape[2:]) >= ENOUGH
    np.testing.assert_array_equal(shrunk(PICTURES[..., :64, :64]), PICTURES[..., :64, :64])


def test_large_pictures_are_told_apart_by_their_small_copies() -> None:
    blocks = np.random.default_rng(1).integers(0, 200, (2, 3, 8, 8), dtype=np.uint8)
    large = blocks.repeat(28, axis=2).repeat(28, axis=3)
    grainy = large + np.random.default_rng(2).integers(0, 40, large.shape, dtype=np.uint8)
    assert alike(large, grainy).tolist() == [True, True]
    assert alike(large, grainy[::-1]).tolist() == [False, False]
