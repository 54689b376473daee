"""Strengths are norms, worked out by hand."""

import numpy as np
import pytest

from core.probe.kernel_matching import dead_filters, strengths, strongest_channels

WEIGHTS = np.zeros((3, 2, 1, 2))
WEIGHTS[0] = [[[3, 0]], [[0, -4]]]
WEIGHTS[2] = [[[0.004, 0]], [[0, 0.003]]]


def test_strengths_and_strongest_channels() -> None:
    assert strengths(WEIGHTS) == pytest.approx([5, 0, 0.005])
    assert strongest_channels(WEIGHTS).tolist() == [1, 0, 0]


def test_dead_filters_are_measured_by_the_strongest() -> None:
    assert dead_filters(WEIGHTS) == (1, 2)
    assert dead_filters(WEIGHTS[1:]) == (0,)
    assert dead_filters(np.zeros((2, 1, 3, 3))) == (0, 1)
    assert dead_filters(np.ones((4, 1, 3, 3))) == ()
