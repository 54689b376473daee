"""Curves become rows that Vega-Lite draws: as many as there are points, smoothed as TensorBoard does."""

import json

import numpy as np
import pandas as pd
import pytest

from core.figures.curves import curve_chart, curve_rows, gap_rows, rounded, smooth, title
from core.figures.palette import THEMES
from core.runs.history import Point
from core.train.choices import LOSSES

POINTS = {
    "train": (Point(1, 0.5, 2.0, 0.25), Point(2, 1.0, 1.5, 0.5)),
    "valid": (Point(2, 1.0, 1.75, 0.4),),
}


def datasets(chart):
    return {layer["data"]["name"] for layer in chart["layer"] if "data" in layer}


def test_rows_hold_every_point_of_the_asked_measure():
    rows = curve_rows(POINTS, "accuracy")
    assert [(row["epoch"], row["value"]) for row in rows] == [(0.5, 0.25), (1.0, 0.5), (1.0, 0.4)]
    assert [row["split"] for row in rows] == ["Training batches", "Training batches", "Validation images"]
    assert [row["value"] for row in curve_rows(POINTS, "loss")] == [2.0, 1.5, 1.75]


def test_smoothing_by_hand():
    # Weight 0.5: 1 · 0.5 / 0.5; (0.25 + 1) / 0.75; (0.625 + 1) / 0.875 …
    assert smooth([1, 2, 2], 0.5) == pytest.approx([1, 1.25 / 0.75, 1.625 / 0.875])


@pytest.mark.parametrize("weight", [0.3, 0.6, 0.95])
def test_smoothing_is_the_weighted_mean_of_all_that_came_before(weight):
    values = np.random.default_rng(1).normal(size=200)
    expected = pd.Series(values).ewm(alpha=1 - weight, adjust=True).mean()
    np.testing.assert_allclose(smooth(values.tolist(), weight), expected, rtol=1e-9)


def test_smoothing_changes_neither_a_constant_nor_anything_at_weight_zero():
    assert smooth([3.0] * 50, 0.9) == pytest.approx([3.0] * 50)
    assert smooth([3.0, -1.0, 2.0], 0.0) == [3.0, -1.0, 2.0]


def test_only_training_batches_are_smoothed_and_the_raw_values_stay():
    points = {"train": POINTS["train"], "valid": (Point(1, 0.5, 3.0, 0.1), Point(2, 1.0, 1.0, 0.2))}
    rows = curve_rows(points, "loss", 0.5)
    assert [row["value"] for row in rows] == [2.0, 1.5, 3.0, 1.0]
    assert [row["smooth"] for row in rows] == [2.0, rounded((0.5 * 1.0 + 0.5 * 1.5) / 0.75), 3.0, 1.0]


def test_the_gap_lies_between_the_lines_as_drawn_wherever_one_of_them_has_a_point():
    train = tuple(Point(step, step / 4, loss, 0.0) for step, loss in ((1, 4.0), (3, 2.0), (5, 1.0)))
    valid = (Point(2, 0.5, 3.5, 0.0), Point(4, 1.0, 2.5, 0.0))
    assert gap_rows({"train": train, "valid": valid}, "loss") == [
        {"epoch": 0.5, "train": 3.0, "valid": 3.5},
        {"epoch": 0.75, "train": 2.0, "valid": 3.0},
        {"epoch": 1.0, "train": 1.5, "valid": 2.5},
    ]
    line = smooth([4.0, 2.0, 1.0], 0.5)
    smoothed = gap_rows({"train": train, "valid": valid}, "loss", 0.5)
    edges = [(line[0] + line[1]) / 2, line[1], (line[1] + line[2]) / 2]
    assert [row["train"] for row in smoothed] == [rounded(edge) for edge in edges]
    assert gap_rows({"train": train, "valid": ()}, "loss") == []


def test_small_numbers_keep_their_digits():
    assert rounded(0.000012345678) == 0.000012346
    assert rounded(123456.7) == 123460.0


def test_the_axis_shows_the_whole_training_and_the_zoom_is_bound():
    chart = curve_chart("accuracy", epochs=7, theme="dark")
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 7]
    line = next(layer for layer in chart["layer"] if "params" in layer)
    assert line["params"][0]["bind"] == "scales"
    assert line["encoding"]["y"]["field"] == "smooth"
    assert line["encoding"]["y"]["scale"]["domain"] == [0, 1]
    domain, colours = (line["encoding"]["color"]["scale"][key] for key in ("domain", "range"))
    assert dict(zip(domain, colours, strict=True)) == {
        "Training batches": THEMES["dark"].train,
        "Validation images": THEMES["dark"].valid,
    }


def test_a_logarithmic_axis_is_one_for_the_loss_alone_and_leaves_zeros_out():
    layers = [layer for layer in curve_chart("loss", epochs=3, log=True)["layer"] if "data" not in layer]
    assert {layer["encoding"]["y"]["scale"]["type"] for layer in layers} == {"log"}
    assert all({"filter": "datum.value > 0"} in layer["transform"] for layer in layers)
    assert curve_chart("accuracy", epochs=3, log=True) == curve_chart("accuracy", epochs=3)


def test_the_description_depends_on_no_data_and_is_plain_json():
    chart = curve_chart("loss", epochs=3)
    assert json.loads(json.dumps(chart)) == chart
    assert datasets(chart) == {"gap", "best", "events", "marks"}


@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_axis_names_the_loss_of_the_run(loss):
    axes = [layer["encoding"]["y"]["axis"] for layer in curve_chart("loss", epochs=1, loss=loss)["layer"][3:6]]
    assert {axis["title"] for axis in axes} == {title("loss", loss)}
    assert LOSSES[loss].title.lower() in title("loss", loss)
