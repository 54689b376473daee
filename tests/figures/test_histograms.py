"""Histograms over time keep what was counted when they are brought onto one range."""

import json

import numpy as np
import pytest

from core.figures.histograms import histogram_chart, histogram_rows, rebin
from core.runs.records import Evidence


def test_rebinning_by_hand():
    # Four values between 0 and 1, eight between 1 and 2; cut at 0.5 and 1.5.
    shares = rebin((0.0, 2.0, 4.0, 8.0), np.array([0.0, 0.5, 1.5, 2.0]))
    assert shares.tolist() == pytest.approx([2 / 12, 6 / 12, 4 / 12])


def test_rebinning_onto_the_same_bins_changes_nothing():
    counts = np.random.default_rng(0).integers(0, 50, 30)
    shares = rebin((-1.0, 2.0, *counts), np.linspace(-1, 2, 31))
    np.testing.assert_allclose(shares, counts / counts.sum(), atol=1e-12)


def test_rebinning_loses_nothing_inside_the_edges():
    counts = np.random.default_rng(1).integers(0, 50, 30)
    assert rebin((-0.3, 0.7, *counts), np.linspace(-5, 5, 18)).sum() == pytest.approx(1)


def test_one_single_value_lies_in_one_bin():
    assert rebin((0.0, 0.0, *[0.0] * 15, 640.0, *[0.0] * 14), np.array([-1.0, -0.1, 0.1, 1.0])).tolist() == [0, 1, 0]


def moment(step: int, low: float, high: float, *counts: float) -> Evidence:
    return Evidence(step, "weights", "conv1", 1.0, (low, high, *counts))


def test_moments_stand_side_by_side_on_one_range():
    rows = histogram_rows([moment(0, 0, 1, 2, 2), moment(10, -1, 1, 1, 3)], 10, 4, bins=4)
    assert [(row["epoch"], row["until"]) for row in rows] == [(0, 0.5)] * 2 + [(0.5, 1)] * 4
    assert [(row["low"], row["high"]) for row in rows[:2]] == [(0, 0.5), (0.5, 1)]  # empty cells are left out
    assert [row["share"] for row in rows] == pytest.approx([0.5, 0.5, 0.125, 0.125, 0.375, 0.375])


def test_the_first_moment_alone_can_be_seen():
    rows = histogram_rows([moment(0, 0, 1, 1)], 10, 5, bins=2)
    assert {(row["epoch"], row["until"]) for row in rows} == {(0, 0.1)}


def test_moments_that_are_not_numbers_are_left_out():
    assert histogram_rows([moment(0, float("-inf"), float("inf"), 1)], 10, 5) == []
    assert histogram_rows([Evidence(0, "weights", "conv1", 1.0)], 10, 5) == []
    assert len(histogram_rows([moment(0, float("nan"), 1, 1), moment(5, 0, 1, 1)], 10, 5, bins=3)) == 3


def test_the_description_is_plain_json():
    chart = histogram_chart("Weights", epochs=3)
    assert json.loads(json.dumps(chart)) == chart
    assert chart["encoding"]["color"]["scale"]["domainMin"] == 0
