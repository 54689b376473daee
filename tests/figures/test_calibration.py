"""What the diagrams of calibration and ranking draw is what was found, and every description can be drawn."""

import json

import numpy as np
import pytest
import vl_convert

from core.evaluation.answers import Answers
from core.evaluation.calibration import reliability
from core.evaluation.ranking import rankings
from core.figures.calibration import confidence_chart, reliability_chart, reliability_rows
from core.figures.confusions import confusion_chart, confusion_rows
from core.figures.ranking_curves import CURVES, ranking_chart, ranking_rows


@pytest.fixture
def answers() -> Answers:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    logits = rng.normal(size=(200, 3)).astype(np.float32)
    logits[np.arange(200), labels] += 1
    return Answers(logits, labels)


def test_a_row_for_each_bin(answers: Answers) -> None:
    found = reliability(answers)
    rows = reliability_rows(found)
    assert sum(row["images"] for row in rows) == 200
    for row, each in zip(rows, found.bins, strict=True):
        assert row["least"] <= row["accuracy"] <= row["most"]
        assert row["accuracy"] == pytest.approx(each.accuracy.value, rel=1e-4)
        assert row["low"] < row["confidence"] <= row["high"]


@pytest.mark.parametrize("curve", CURVES)
def test_the_chosen_class_is_drawn_last_with_all_its_points(answers: Answers, curve: str) -> None:
    found = rankings(answers)
    rows = ranking_rows(found, ("a", "b", "c"), curve, 1)
    assert rows[-1]["class"] == "b"
    chosen = [row for row in rows if row["kind"] == "chosen"]
    assert {row["class"] for row in chosen} == {"b"}
    across, up = getattr(found[1], curve)
    assert [row["x"] for row in chosen] == pytest.approx(across.tolist(), rel=1e-4)
    assert [row["y"] for row in chosen] == pytest.approx(up.tolist(), rel=1e-4)


def test_a_class_without_a_curve_has_no_points() -> None:
    found = rankings(Answers(np.eye(3, dtype=np.float32), np.array([0, 0, 1])))
    assert {row["class"] for row in ranking_rows(found, ("a", "b", "c"), "roc", 2)} == {"a", "b"}


def test_every_description_can_be_drawn(answers: Answers) -> None:
    ranked, names = rankings(answers), ("a", "b", "c")
    charts = [
        (reliability_chart(), reliability_rows(reliability(answers))),
        (confidence_chart(theme="dark"), reliability_rows(reliability(answers))),
        *((ranking_chart(curve, base=0.3), ranking_rows(ranked, names, curve, 0)) for curve in CURVES),
        (
            confusion_chart(names),
            confusion_rows(np.array([[3, 1, 0], [0, 4, 0], [2, 0, 1]]), names, "counts", None, (0, 1, 2), 2.0),
        ),
    ]
    for spec, rows in charts:
        drawn = vl_convert.vegalite_to_svg(json.dumps({**spec, "data": {"values": rows}, "width": 300}))
        assert "NaN" not in drawn
        assert drawn.count("<path") > 5
