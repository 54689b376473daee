"""Curves become rows that Vega-Lite draws, as many as there are points."""

import json

from core.figures.curves import curve_chart, curve_rows
from core.figures.palette import THEMES
from core.runs.history import Point

POINTS = {
    "train": (Point(1, 0.5, 2.0, 0.25), Point(2, 1.0, 1.5, 0.5)),
    "valid": (Point(2, 1.0, 1.75, 0.4),),
}


def test_rows_hold_every_point_of_the_asked_measure():
    rows = curve_rows(POINTS, "accuracy")
    assert [(row["epoch"], row["value"]) for row in rows] == [(0.5, 0.25), (1.0, 0.5), (1.0, 0.4)]
    assert [row["split"] for row in rows] == ["Training batches", "Training batches", "Validation images"]
    assert [row["value"] for row in curve_rows(POINTS, "loss")] == [2.0, 1.5, 1.75]


def test_the_axis_shows_the_whole_training_and_the_zoom_is_bound():
    chart = curve_chart("accuracy", epochs=7, theme="dark")
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 7]
    assert chart["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert chart["layer"][0]["params"][0]["bind"] == "scales"
    domain, colours = (chart["encoding"]["color"]["scale"][key] for key in ("domain", "range"))
    assert dict(zip(domain, colours, strict=True)) == {
        "Training batches": THEMES["dark"].train,
        "Validation images": THEMES["dark"].valid,
    }


def test_the_description_depends_on_no_data_and_is_plain_json():
    assert json.loads(json.dumps(curve_chart("loss", epochs=3))) == curve_chart("loss", epochs=3)
