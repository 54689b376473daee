"""The course of an attack and the scores of concepts become charts that Vega-Lite draws."""

import pytest
import torch
import vl_convert

from core.explain.attacks import Attack, AttackOutcome
from core.explain.tcav import ConceptReport, ConceptScore, mean_interval
from core.figures.flips import flip_chart, flip_rows
from core.figures.palette import THEMES
from core.figures.prediction_bars import KINDS, concept_chart, concept_rows

NAMES = ("cat", "dog", "a bird with a name that is far too long to be shown")
BEFORE = torch.tensor([0.9, 0.08, 0.02])
TRIED = [
    AttackOutcome(Attack(strength=2), BEFORE, torch.tensor([0.7, 0.1, 0.2])),
    AttackOutcome(Attack(strength=4), BEFORE, torch.tensor([0.3, 0.2, 0.5])),
]
REPORT = ConceptReport(
    "conv1",
    2,
    30,
    (ConceptScore("stripes", (0.9, 1.0, 0.95), 0.9, 0.001), ConceptScore("red", (0.2, 0.6, 0.5), 0.8, 0.7)),
    (0.4, 0.5, 0.45),
)


def test_two_classes_are_followed_from_the_picture_as_it_is() -> None:
    rows = flip_rows(TRIED, NAMES)
    assert [(row["strength"], row["probability"]) for row in rows if row["class"] == "cat"] == [
        (0, 0.9),
        (2, 0.7),
        (4, 0.3),
    ]
    others = [row for row in rows if row["class"] != "cat"]
    assert [row["probability"] for row in others] == [0.02, 0.2, 0.5]
    assert {row["class"] for row in others} == {"a bird with a name that is …"}


def test_the_class_that_an_attack_is_to_lead_to_is_followed_even_where_it_fails() -> None:
    tried = [AttackOutcome(Attack(strength=2, towards=1), BEFORE, torch.tensor([0.5, 0.2, 0.3]))]
    assert [row["class"] for row in flip_rows(tried, NAMES)] == ["cat", "cat", "dog", "dog"]


@pytest.mark.parametrize("theme", THEMES)
def test_the_course_of_an_attack_is_drawn_in_two_colours(theme: str) -> None:
    rows = flip_rows(TRIED, NAMES)
    svg = vl_convert.vegalite_to_svg(flip_chart(rows, theme=theme) | {"width": 400, "data": {"values": rows}})
    assert THEMES[theme].train in svg
    assert THEMES[theme].valid in svg
    assert "Strength, in levels of 255" in svg


def test_every_concept_has_its_row_with_what_is_known_of_it() -> None:
    rows = concept_rows(REPORT, {"stripes": "Stripes", "red": "Red"})
    assert [(row["concept"], row["kind"]) for row in rows] == [("Stripes", KINDS["found"]), ("Red", KINDS["chance"])]
    assert [row["score"] for row in rows] == pytest.approx([0.95, 0.4333], abs=1e-3)
    for row, score in zip(rows, REPORT.concepts, strict=True):
        assert (row["low"], row["high"]) == pytest.approx(mean_interval(score.scores), abs=1e-3)
        assert row["low"] < row["score"] < row["high"]  # type: ignore[operator]


@pytest.mark.parametrize("theme", THEMES)
def test_concepts_are_drawn_beside_chance(theme: str) -> None:
    rows = concept_rows(REPORT, {"stripes": "Stripes", "red": "Red"})
    chart = concept_chart(REPORT, theme=theme)
    assert chart["layer"][0]["data"]["values"][0]["mean"] == pytest.approx(0.45)
    svg = vl_convert.vegalite_to_svg(chart | {"width": 400, "data": {"values": rows}})
    for words in ("Stripes", "Red", *KINDS.values(), THEMES[theme].mark, THEMES[theme].neutral):
        assert words in svg
