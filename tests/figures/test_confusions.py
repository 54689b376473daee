"""The cells of the matrix say what was counted, and only mistakes are coloured."""

import numpy as np
import pytest

from core.figures.confusions import confusion_chart, confusion_rows, most_mistaken
from core.figures.palette import THEMES

COUNTS = np.array([[8, 2, 0], [1, 8, 1], [0, 0, 0]])
NAMES = ("cat", "dog", "<b>")


def rows(
    measure: str,
    chosen: tuple[int, int] | None = None,
    shown: tuple[int, ...] = (0, 1, 2),
    most: float | None = None,
) -> dict:
    most = most_mistaken(COUNTS, measure) if most is None else most
    found = confusion_rows(COUNTS, NAMES, measure, chosen, shown, most)
    return {(row["row"], row["column"]): row for row in found}


def test_counts_and_shares_are_said() -> None:
    counts, shares = rows("counts"), rows("shares")
    assert [counts[0, column]["label"] for column in range(3)] == ["8", "2", ""]
    assert [shares[0, column]["label"] for column in range(3)] == ["80%", "20%", ""]
    assert [shares[1, column]["share"] for column in range(3)] == [0.1, 0.8, 0.1]
    assert [counts[2, column]["label"] for column in range(3)] == [""] * 3
    assert (counts[0, 1]["true"], counts[0, 1]["predicted"]) == ("cat", "dog")


def test_only_mistakes_are_coloured_against_the_most_frequent_one() -> None:
    for measure in ("counts", "shares"):
        found = rows(measure)
        assert found[0, 1]["shade"] == 1
        assert found[1, 0]["shade"] == found[1, 2]["shade"] == 0.5
        assert [found[at, at]["shade"] for at in range(3)] == [0, 0, 0]
        assert [found[at, at]["right"] for at in range(3)] == [True] * 3


def test_two_matrices_in_one_scale_are_coloured_against_the_larger_mistake() -> None:
    assert rows("counts", most=8.0)[0, 1]["shade"] == 0.25
    assert (most_mistaken(COUNTS, "counts"), most_mistaken(COUNTS, "shares")) == (2.0, 0.2)


def test_without_a_mistake_nothing_is_coloured() -> None:
    counts = np.diag([3, 4])
    assert most_mistaken(counts, "counts") == 0
    found = confusion_rows(counts, ("a", "b"), "counts", None, (0, 1), 0.0)
    assert [row["shade"] for row in found] == [0] * 4


def test_a_share_that_rounds_to_nothing_is_not_called_nothing() -> None:
    found = confusion_rows(np.array([[999, 1], [0, 5]]), ("a", "b"), "shares", None, (0, 1), 0.5)
    assert [row["label"] for row in found] == ["100%", "< 1%", "", "100%"]


def test_one_cell_is_framed_and_some_classes_can_be_left_out() -> None:
    assert [place for place, row in rows("counts", (1, 2)).items() if row["chosen"]] == [(1, 2)]
    assert list(rows("counts", shown=(0, 2))) == [(0, 0), (0, 2), (2, 0), (2, 2)]


@pytest.mark.parametrize("theme", THEMES)
def test_a_click_selects_a_cell_by_its_numbers(theme: str) -> None:
    spec = confusion_chart(NAMES, theme=theme)
    (param,) = spec["layer"][0]["params"]
    assert param["name"] == "cell"
    assert param["select"]["fields"] == ["row", "column"]
    assert spec["encoding"]["x"]["sort"] == spec["encoding"]["y"]["sort"] == list(NAMES)


@pytest.mark.parametrize(("names", "angle"), [(("0", "1"), 0), (("cat", "airplane"), -45)])
def test_only_names_without_room_are_slanted(names: tuple[str, ...], angle: int) -> None:
    assert confusion_chart(names)["encoding"]["x"]["axis"]["labelAngle"] == angle
