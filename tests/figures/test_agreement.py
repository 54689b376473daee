"""The matrix shows each pair once, with its number, and stars what chance would give as well."""

import numpy as np

from core.figures.agreement import matrix_chart, matrix_rows
from core.figures.palette import diverging, hex_of
from core.figures.scales import ColorScale

NAMES = ("A", "B", "C")
VALUES = np.array([[1, 0.91, -0.004], [0.91, 1, np.nan], [-0.004, np.nan, 1]])
CHANCE = np.array([[1, 0.3, 0.2], [0.3, 1, 0.3], [0.2, 0.3, 1]])
SIGNED, AMOUNT = ColorScale("diverging", -1, 1), ColorScale("sequential", 0, 1)


def test_each_pair_has_one_cell_and_what_is_no_number_has_none() -> None:
    rows = matrix_rows(NAMES, VALUES, CHANCE, SIGNED)
    assert [(row["row"], row["column"], row["value"], row["chance"]) for row in rows] == [
        ("B", "A", 0.91, 0.3),
        ("C", "A", -0.004, 0.2),
    ]


def test_a_value_within_chance_is_starred_and_zero_has_no_sign() -> None:
    assert [row["label"] for row in matrix_rows(NAMES, VALUES, CHANCE, SIGNED)] == ["0.91", "0.00*"]
    assert matrix_rows(NAMES[:2], -VALUES[:2, :2], CHANCE, SIGNED)[0]["label"] == "−0.91*"


def test_numbers_can_be_read_on_their_cells() -> None:
    assert [row["ink"] for row in matrix_rows(NAMES, VALUES, CHANCE, SIGNED)] == ["#ffffff", "#000000"]
    low, high = (matrix_rows(NAMES[:2], np.full((2, 2), value), CHANCE, AMOUNT)[0]["ink"] for value in (0.0, 1.0))
    assert (low, high) == ("#ffffff", "#000000")


def test_the_colours_are_those_of_the_scale() -> None:
    chart = matrix_chart(NAMES, "Rank correlation", SIGNED)
    color = chart["layer"][0]["encoding"]["color"]["scale"]
    assert color["domain"] == [-1, 1]
    assert (color["range"][0], color["range"][-1]) == (hex_of(diverging()[1]), hex_of(diverging()[255]))
    assert chart["encoding"]["y"]["sort"] == ["B", "C"]
    assert chart["encoding"]["x"]["sort"] == ["A", "B"]
    assert "resolve" not in chart
    assert matrix_chart(NAMES, "Overlap", AMOUNT)["layer"][0]["encoding"]["color"]["scale"]["domain"] == [0, 1]
