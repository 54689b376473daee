"""Losses in figures: rows hold what core.maths computes, bars share one scale around zero."""

import json

import numpy as np
import pytest

from core.figures.loss_curves import MEASURES, gradient_chart, gradient_rows, slide_chart, slide_rows
from core.maths.losses import LOSSES, loss_gradient, loss_slide, loss_value

LOGITS = np.array([2.0, -1.0, 0.5])
PLACES = np.array([0.1, 0.5, 0.9])


def slides(probabilities):
    return {name: loss_slide(name, LOGITS, 1, probabilities) for name in LOSSES}


def test_a_row_for_each_logit_names_it_marks_the_true_one_and_keeps_the_sign():
    rows = gradient_rows(["cat", "dog", "a name that is far too long to stand"], [0.25, -0.75, 0.5], true=1)
    assert [row["value"] for row in rows] == [0.25, -0.75, 0.5]
    assert [row["text"] for row in rows] == ["0.25", "−0.75", "0.5"]
    assert [row["place"] for row in rows] == [0, 1, 2]
    assert [row["label"] for row in rows] == ["cat", "dog ✓", "a name that is far to…"]


def test_labels_that_do_not_fit_the_gradients_are_refused():
    with pytest.raises(ValueError, match="2 labels"):
        gradient_rows(["cat", "dog"], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_zero_is_in_the_middle_of_the_bars_and_signs_have_their_own_colours(theme):
    bars, zero, _ = gradient_chart(3, 0.5, theme=theme)["layer"]
    low, high = bars["encoding"]["x"]["scale"]["domain"]
    assert low == -high and high > 0.5
    assert zero["encoding"]["x"]["datum"] == 0
    assert zero["encoding"]["x"]["scale"] == bars["encoding"]["x"]["scale"]
    colour = bars["encoding"]["color"]
    assert colour["condition"]["test"] == "datum.value < 0"
    assert colour["condition"]["value"] != colour["value"]


def test_bars_of_zeros_have_a_scale():
    low, high = gradient_chart(3, 0.0)["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 0 < high


def test_the_lines_hold_value_and_gradient_of_every_loss():
    values = slide_rows(slides(PLACES), "value")
    assert [row["loss"] for row in values] == [LOSSES[name].title for name in LOSSES for _ in PLACES]
    assert [row["p"] for row in values[:3]] == PLACES.tolist()
    np.testing.assert_allclose([row["value"] for row in values[:3]], -np.log(PLACES))  # cross-entropy
    gradients = slide_rows(slides(PLACES), "gradient")
    np.testing.assert_allclose([row["value"] for row in gradients[:3]], 1 - PLACES)


@pytest.mark.parametrize("name", LOSSES)
def test_the_present_point_lies_on_its_line(name):
    p = np.exp(LOGITS[1]) / np.exp(LOGITS).sum()
    here = {name: loss_slide(name, LOGITS, 1, [p])}
    (value,) = slide_rows(here, "value")
    (gradient,) = slide_rows(here, "gradient")
    assert value["value"] == pytest.approx(loss_value(name, LOGITS[None], [1]), rel=1e-12)
    assert gradient["value"] == pytest.approx(abs(loss_gradient(name, LOGITS[None], [1])[0, 1]), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_logarithmic_axes_are_for_both_and_leave_zeros_out(measure):
    layers = slide_chart(measure, log=True)["layer"]
    lines = next(layer for layer in layers if layer["mark"]["type"] == "line")
    assert {lines["encoding"][axis]["scale"]["type"] for axis in "xy"} == {"log"}
    assert lines["transform"] == [{"filter": "datum.p > 0 && datum.value > 0"}]
    plain = next(layer for layer in slide_chart(measure)["layer"] if layer["mark"]["type"] == "line")
    assert plain["encoding"]["x"]["scale"] == {"domain": [0, 1]}
    assert plain["transform"] == []


def test_the_descriptions_are_plain_json_and_name_their_further_data():
    for chart in (slide_chart("value"), slide_chart("gradient", log=True), gradient_chart(4, 1.0)):
        assert json.loads(json.dumps(chart)) == chart
    names = {layer["data"]["name"] for layer in slide_chart("value")["layer"] if "data" in layer}
    assert names == {"present", "now"}
