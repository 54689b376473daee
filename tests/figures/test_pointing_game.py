"""The chart of a league has a row for each method and for the maps that know nothing."""

import pytest

from core.explain.metrics.pointing_game import CENTRE, RANDOM, PointingGame, PointingResult, Rate
from core.figures.palette import THEMES
from core.figures.pointing_game import BASELINES, MEASURES, pointing_chart, pointing_rows


def standing(method: str, value: float, *, blank: bool = False) -> PointingResult:
    rate = Rate(value, value - 0.1, value + 0.1)
    return PointingResult(method, rate, None if blank else Rate(value / 2, 0.0, value), 10, 0)


LEAGUE = PointingGame(
    (standing("good", 0.9), standing("none", 0.5, blank=True)), standing(RANDOM, 0.2), standing(CENTRE, 0.4), 0.2
)
TITLES = {"good": "A good one", "none": "Another", RANDOM: "not this"}


def test_rows_are_in_the_order_of_the_league_and_chance_comes_last() -> None:
    rows = pointing_rows(LEAGUE, "hits", TITLES)
    assert [row["method"] for row in rows] == ["A good one", "Another", *BASELINES.values()]
    assert [row["kind"] for row in rows] == ["method", "method", "ignorant", "ignorant"]
    assert (rows[0]["value"], rows[0]["low"], rows[0]["high"]) == pytest.approx((0.9, 0.8, 1.0))


def test_what_could_not_be_measured_has_no_row() -> None:
    rows = pointing_rows(LEAGUE, "inside", TITLES)
    assert [row["method"] for row in rows] == ["A good one", *BASELINES.values()]
    assert rows[0]["value"] == pytest.approx(0.45)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("measure", MEASURES)
def test_the_axis_is_a_share_and_the_interval_lies_on_it(measure: str, theme: str) -> None:
    chart = pointing_chart(measure, 4, theme=theme)
    interval, dot = chart["layer"]
    assert interval["encoding"]["x"]["scale"] == dot["encoding"]["x"]["scale"] == {"domain": [0, 1]}
    assert dot["encoding"]["x"]["axis"]["title"] == MEASURES[measure]
    assert (interval["encoding"]["x"]["field"], interval["encoding"]["x2"]["field"]) == ("low", "high")
    assert chart["encoding"]["y"]["sort"] == {"field": "place"}
    assert chart["encoding"]["color"]["value"] == THEMES[theme].mark
