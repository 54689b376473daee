"""Curves of several runs become one chart that Vega-Lite draws, each run in its own colour and sign."""

import json
from base64 import b64decode
from math import inf, nan
from xml.etree import ElementTree

import pytest
import vl_convert

from core.figures.overlay_curves import AXES, MAX_RUNS, MEASURES, overlay_chart, overlay_rows, swatch
from core.figures.palette import HUES, SHAPES
from core.runs.curves import RunCurve, Spot

FAST = RunCurve(
    (Spot(0.5, 1.0, 2.0, 0.25), Spot(1.0, 2.0, 1.0, 0.5)), (Spot(1.0, 2.0, 1.5, 0.4), Spot(2.0, 4.0, 1.25, 0.5))
)
SLOW = RunCurve((Spot(1.0, 30.0, 2.25, 0.125),), (Spot(1.0, 30.0, 2.0, 0.25),))
COURSES, NAMES = {"a1": FAST, "b2": SLOW}, {"a1": "Twin", "b2": "Twin"}


def test_there_is_a_row_for_every_point_of_every_run() -> None:
    rows = overlay_rows(COURSES, NAMES, "loss", "epochs")
    assert [(row["run"], row["split"], row["at"], row["value"]) for row in rows] == [
        ("a1", "train", 0.5, 2.0),
        ("a1", "train", 1.0, 1.0),
        ("a1", "valid", 1.0, 1.5),
        ("a1", "valid", 2.0, 1.25),
        ("b2", "train", 1.0, 2.25),
        ("b2", "valid", 1.0, 2.0),
    ]
    assert {row["name"] for row in rows} == {"Twin"}


def test_the_axis_can_be_time() -> None:
    rows = overlay_rows(COURSES, NAMES, "accuracy", "seconds")
    assert [(row["at"], row["value"]) for row in rows if row["run"] == "b2"] == [(30.0, 0.125), (30.0, 0.25)]


@pytest.mark.parametrize("loss", [inf, -inf, nan])
def test_what_cannot_be_drawn_has_no_row(loss: float) -> None:
    broken = {"a1": RunCurve((Spot(1.0, 1.0, loss, 0.1),), (Spot(1.0, 1.0, 2.0, 0.1),))}
    assert [row["split"] for row in overlay_rows(broken, NAMES, "loss", "epochs")] == ["valid"]


def drawn(measure: str, axis: str, theme: str, *, log: bool = False) -> str:
    chart = overlay_chart(list(COURSES), measure, axis, log=log, theme=theme)
    rows = overlay_rows(COURSES, NAMES, measure, axis)
    return vl_convert.vegalite_to_svg(chart | {"width": 400, "data": {"values": rows}})


@pytest.mark.parametrize("theme", HUES)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("axis", AXES)
def test_each_run_is_drawn_thin_for_training_and_strong_for_validation(measure: str, axis: str, theme: str) -> None:
    svg = drawn(measure, axis, theme)
    assert AXES[axis] in svg
    assert MEASURES[measure] in svg
    paths = [element.attrib for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("path")]
    for colour in HUES[theme][:2]:
        widths = [path.get("stroke-width") for path in paths if path.get("stroke") == colour]
        assert widths == ["1", "2.5"]
        dots = [path["d"] for path in paths if path.get("fill") == colour and path.get("stroke") != colour]
        assert len(dots) == (2 if colour == HUES[theme][0] else 1)
    first, other = (
        {path["d"] for path in paths if path.get("fill") == colour and path.get("stroke") != colour}
        for colour in HUES[theme][:2]
    )
    assert not first & other  # another sign besides another colour


def test_a_logarithmic_axis_leaves_out_what_is_not_positive() -> None:
    chart = overlay_chart(["a1"], "loss", "epochs", log=True)
    rows = [{"run": "a1", "name": "x", "split": "valid", "at": at, "value": at} for at in (0.0, 1.0, 100.0)]
    svg = vl_convert.vegalite_to_svg(chart | {"width": 400, "data": {"values": rows}})
    assert "NaN" not in svg
    assert "Infinity" not in svg


def test_the_description_depends_on_the_runs_only_and_is_plain_json() -> None:
    chart = overlay_chart(["a1", "b2"], "loss", "epochs", theme="dark")
    assert json.loads(json.dumps(chart)) == chart
    assert chart["encoding"]["color"]["scale"] == {"domain": ["a1", "b2"], "range": list(HUES["dark"][:2])}
    assert chart["layer"][0]["params"][0]["bind"] == "scales"


@pytest.mark.parametrize("place", range(MAX_RUNS))
def test_a_swatch_is_a_picture_of_the_runs_colour(place: int) -> None:
    head, _, body = swatch(place, "dark").partition(",")
    assert head == "data:image/svg+xml;base64"
    picture = ElementTree.fromstring(b64decode(body))
    assert HUES["dark"][place] in {element.get("fill") for element in picture.iter()}
    assert len({swatch(other) for other in range(MAX_RUNS)}) == len(SHAPES)
