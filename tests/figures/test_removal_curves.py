"""The chart of deletion and insertion draws the line of a map over the band of random orders."""

import numpy as np
import pytest

from core.explain.metrics.deletion_insertion import RandomCurves, RemovalCurve
from core.figures.palette import THEMES
from core.figures.removal_curves import AXES, chance_rows, removal_chart, removal_rows

SHARES = np.array([0.0, 0.5, 1.0])
CHANCE = RandomCurves("deletion", SHARES, np.array([[1.0, 0.2, 0.0], [1.0, 0.6, 0.0], [1.0, 0.7, 0.3]]))


def test_the_line_has_a_row_for_each_share() -> None:
    rows = removal_rows(RemovalCurve("deletion", SHARES, np.array([0.9, 0.3, 0.1])))
    assert rows == [{"share": 0, "value": 0.9}, {"share": 0.5, "value": 0.3}, {"share": 1, "value": 0.1}]


def test_the_band_is_a_deviation_around_the_mean_and_stays_a_probability() -> None:
    rows = chance_rows(CHANCE)
    assert rows[0] == {"share": 0, "value": 1, "low": 1, "high": 1}
    spread = np.std([0.2, 0.6, 0.7], ddof=1)
    assert (rows[1]["low"], rows[1]["high"]) == pytest.approx((0.5 - spread, 0.5 + spread), abs=1e-4)
    assert rows[2]["low"] == 0  # the mean is 0.1, less a deviation of 0.17
    assert set(rows[0]) - {"low", "high"} == set(removal_rows(CHANCE.mean)[0])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mode", AXES)
def test_line_and_band_share_axes_from_nothing_to_everything(mode: str, theme: str) -> None:
    chart = removal_chart(mode, theme=theme)
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 1]
    assert chart["encoding"]["x"]["axis"]["title"] == AXES[mode]
    heights = [layer["encoding"]["y"]["scale"]["domain"] for layer in chart["layer"] if "encoding" in layer]
    assert heights and all(height == [0, 1] for height in heights)
    assert {layer.get("data", {}).get("name") for layer in chart["layer"]} == {None, "chance", "noise", "now"}
    colours = {layer["mark"].get("color") for layer in chart["layer"]}
    assert {THEMES[theme].mark, THEMES[theme].muted} <= colours
