"""The pictures of a course are those of `overlay`, in one scale or each in its own; its charts show what there is."""

import numpy as np
import pytest

from core.figures.epochs import course_chart, course_rows, course_tiles
from core.figures.overlays import faded, overlay

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, size=(6, 5, 3), dtype=np.uint8)
MAPS = (RNG.normal(size=(4, 6, 5)) * np.array([0.01, 0.1, 1, 2])[:, None, None]).astype(np.float32)
LOOK = {"signed": True, "positive": "for it", "negative": "against it", "percentile": 90}


def test_each_in_its_own_scale_is_the_overlay_of_each() -> None:
    found = course_tiles(PICTURE, MAPS, one_scale=False, **LOOK)
    for tile, values in zip(found.pixels, MAPS, strict=True):
        assert np.array_equal(tile, overlay(PICTURE, values, zoom=1, **LOOK).pixels)
    assert (found.scale.low, found.scale.high) == (-1, 1)
    assert "Each map is scaled by itself" in found.text
    assert "Red: for it. Blue: against it." in found.text


def test_one_scale_is_the_overlay_of_all_side_by_side() -> None:
    found = course_tiles(PICTURE, MAPS, **LOOK)
    whole = overlay(np.concatenate([PICTURE] * 4, axis=1), np.concatenate(list(MAPS), axis=1), zoom=1, **LOOK)
    assert np.array_equal(np.concatenate(list(found.pixels), axis=1), whole.pixels)
    assert found.scale == whole.scale
    assert "One scale for all maps: full colour is" in found.text


def test_one_scale_shows_growth_and_own_scales_hide_it() -> None:
    grown = np.stack([MAPS[2] * size for size in (0.01, 0.1, 1)])
    grey = np.full_like(PICTURE, 128)
    one, own = (course_tiles(grey, grown, one_scale=one_scale, **LOOK).pixels for one_scale in (True, False))
    covered = np.abs(one.astype(int) - 128).mean(axis=(1, 2, 3))
    assert covered[0] < covered[1] < covered[2]
    assert all(np.array_equal(tile, own[-1]) for tile in own)


@pytest.mark.parametrize("one_scale", [True, False])
def test_blank_maps_are_said_to_be_blank_only_where_all_are(one_scale: bool) -> None:
    blank = course_tiles(PICTURE, MAPS * 0, one_scale=one_scale, **LOOK)
    assert blank.text == "Nothing to show: every value is zero."
    assert blank.scale.high == 0
    some = course_tiles(PICTURE, np.stack([MAPS[0] * 0, MAPS[1]]), one_scale=one_scale, **LOOK)
    assert "Red: for it" in some.text
    assert some.scale.high > 0
    assert np.array_equal(some.pixels[0], overlay(PICTURE, MAPS[0] * 0, zoom=1, **LOOK).pixels)


@pytest.mark.parametrize("signed", [True, False])
def test_a_faded_picture_keeps_its_order_and_leaves_the_extremes_to_the_map(signed: bool) -> None:
    greys = faded(np.arange(256, dtype=np.uint8), signed)
    assert (np.diff(greys.astype(int)) >= 0).all()
    assert greys.max() < 240
    assert (greys.min() > 100) is np.bool_(signed)


def test_rows_leave_out_what_was_not_measured() -> None:
    rows = course_rows({"A": [(0, 0.1), (1, None), (2.5, 0.123456)], "B": [(0, None)]})
    assert rows == [
        {"run": "A", "epoch": 0, "value": 0.1},
        {"run": "A", "epoch": 2.5, "value": 0.12346},
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chart_gives_each_run_a_colour_and_a_sign_of_its_own(theme: str) -> None:
    chart = course_chart(["A", "B"], epochs=4, low=-1, share=False, theme=theme)
    marks = chart["layer"][-1]["encoding"]
    for channel in ("color", "shape"):
        assert marks[channel]["scale"]["domain"] == ["A", "B"]
        assert len(set(marks[channel]["scale"]["range"])) == 2
    assert marks["y"]["scale"]["domain"] == [-1, 1]
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 4]
