"""Statistics of maps are those of their numbers, counted by hand."""

import numpy as np

from core.probe.map_statistics import map_statistics


def test_statistics_of_maps_by_hand() -> None:
    found = map_statistics([[[0, 0], [1, 3]], [[-1, 0], [0.5, 0.5]]], bins=4)  # edges -1, 0, 1, 2, 3
    assert found.minimum.tolist() == [0, -1] and found.maximum.tolist() == [3, 0.5]
    assert found.mean.tolist() == [1, 0] and found.zero_share.tolist() == [0.5, 0.25]
    assert found.edges.tolist() == [-1, 0, 1, 2, 3]
    assert found.counts.tolist() == [[0, 2, 1, 1], [1, 3, 0, 0]]


def test_numbers_that_are_not_finite_are_left_out() -> None:
    found = map_statistics([[[np.nan, 2.0]], [[np.nan, np.inf]]], bins=2)
    assert found.minimum[0] == found.mean[0] == 2 and np.isnan(found.maximum[1])
    assert found.counts.sum(axis=1).tolist() == [1, 0]
    assert map_statistics(np.full((1, 2, 2), np.nan)).counts.sum() == 0
    assert map_statistics(np.zeros((1, 2, 2))).zero_share.tolist() == [1]
