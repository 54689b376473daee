"""Rows of the charts of Compress: classes by what they lost, shares with their intervals."""

import numpy as np
import pytest

from core.compression.changes import PredictionChanges
from core.explain.metrics.pointing_game import wilson
from core.figures.compression import class_chart, class_rows, sweep_chart, sweep_rows


def test_the_class_that_lost_most_comes_first_and_one_without_images_not_at_all():
    labels, before, after = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 1, 0, 1]), np.array([0, 0, 0, 0, 2])
    sure = np.ones(5, dtype=np.float32)
    rows = class_rows(PredictionChanges(labels, before, after, sure, sure), ["a", "b", "c", "never"])
    assert [row["class"] for row in rows] == ["b", "a", "c"]
    assert rows[0] == {"place": 0, "class": "b", "images": 2, "before": 0.5, "after": 0.0, "moved": -0.5}
    assert rows[2]["moved"] == 1.0


def test_shares_keep_their_intervals():
    rates = (wilson(9, 10), wilson(1, 10))
    rows = sweep_rows((0.0, 0.9), rates)
    assert [row["share"] for row in rows] == [0.0, 0.9]
    assert rows[1]["low"] == pytest.approx(rates[1].low, rel=1e-3) and rows[1]["value"] == 0.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_read_the_columns_of_their_rows(theme: str):
    text = str(class_chart(3, theme=theme)) + str(sweep_chart(0.1, theme=theme))
    for column in ("class", "before", "after", "moved", "images", "share", "value", "low", "high"):
        assert f"'{column}'" in text
