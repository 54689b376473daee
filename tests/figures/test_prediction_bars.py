"""The bars show the likeliest classes, and a class's name is only ever text."""

import re

import numpy as np
import pytest

from core.figures.palette import THEMES
from core.figures.prediction_bars import escape_plotly, probabilities, scores


def test_the_likeliest_come_first_with_their_index() -> None:
    figure = probabilities(["a", "b", "c", "d", "e", "f"], [0.1, 0.4, 0.02, 0.3, 0.17, 0.01])
    bar = figure.data[0]
    assert bar.orientation == "h"
    assert list(figure.layout.yaxis.ticktext) == ["b", "d", "e", "a", "c"]
    assert [row[0] for row in bar.customdata] == [1, 3, 4, 0, 2]
    assert list(bar.text) == ["40.0%", "30.0%", "17.0%", "10.0%", "2.0%"]
    assert bar.textposition == "outside"
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.xaxis.range == (0, 1)


def test_the_chosen_class_is_coloured_and_the_true_one_named() -> None:
    for theme, colours in THEMES.items():
        figure = probabilities(["a", "b", "c"], [0.2, 0.5, 0.3], true=0, chosen=2, theme=theme)
        assert list(figure.data[0].marker.color) == [colours.neutral, colours.mark, colours.neutral]
        assert list(figure.layout.yaxis.ticktext) == ["b", "c", "a (true)"]
    first = probabilities(["a", "b"], [0.2, 0.8]).data[0].marker.color
    assert first[0] == THEMES["light"].mark


@pytest.mark.parametrize(
    "name", ["<b>x</b>", "<a href='javascript:x'>x</a>", "a & b", "&lt;i&gt;", "$x^2$", "$$", "x<br>y", "%{x}"]
)
def test_names_are_text(name: str) -> None:
    figure = probabilities([name, "other"], [0.9, 0.1], true=1)
    for shown in (figure.layout.yaxis.ticktext[0], figure.data[0].customdata[0][1]):
        assert not re.search(r"[<>$]", shown)
        decoded = shown.replace("&#36;", "$").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert decoded == name


def test_names_stay_on_one_line_and_end_in_time() -> None:
    assert escape_plotly("a\n b\t c") == "a b c"
    label = probabilities(["x" * 500, "y"], [0.6, 0.4]).layout.yaxis.ticktext[0]
    assert label == "x" * 31 + "…"


def test_classes_of_the_same_name_stay_apart() -> None:
    figure = probabilities(["cat", "cat"], [0.6, 0.4])
    assert list(figure.data[0].y) == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["cat", "cat"]


def test_names_and_probabilities_must_fit() -> None:
    with pytest.raises(ValueError, match="2 class names do not fit"):
        probabilities(["a", "b"], np.ones(3) / 3)


def test_scores_keep_the_order_and_the_sign_of_the_classes() -> None:
    figure = scores(["a", "<b>", "c"], [-1.5, 3.0, 0.25], true=2, theme="dark")
    bar = figure.data[0]
    assert (list(bar.x), list(bar.y)) == ([-1.5, 3.0, 0.25], [0, 1, 2])
    assert list(bar.text) == ["−1.5", "3", "0.25"]
    assert list(figure.layout.yaxis.ticktext) == ["a", "&lt;b&gt;", "c (true)"]
    assert list(bar.marker.color) == [THEMES["dark"].neutral, THEMES["dark"].mark, THEMES["dark"].neutral]
    low, high = figure.layout.xaxis.range
    assert low < -1.5 and high > 3
    assert scores(["a", "b"], [0.0, 2.0]).layout.xaxis.range[0] == 0
    with pytest.raises(ValueError, match="1 class names do not fit"):
        scores(["a"], [1.0, 2.0])
