"""Landscapes in figures: places and points agree, the lowest is the darkest, ways end where the racers are."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from core.figures import landscapes
from core.figures.landscapes import landscape_map, map_size, place_of, point_at, race_png, relief, surface
from core.figures.optimizer_courses import CORNERS, course_chart, course_rows, hue, order_of, short_name
from core.figures.palette import HUES, SHAPES, luminance
from core.maths.landscapes import LANDSCAPES
from core.maths.rules import OPTIMIZERS

BOWL = LANDSCAPES["bowl"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(landscapes, "WIDTH", 160)


def drawn(paths, theme="light", landscape=BOWL, start=(-1.6, 1.2)):
    ground = landscape_map(landscape, theme=theme)
    return np.asarray(Image.open(io.BytesIO(race_png(landscape, ground, paths, start, theme=theme))))


@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_pixel_and_its_point_are_one_place(name):
    ground = LANDSCAPES[name]
    width, height = map_size(ground)
    for row, col in ((0, 0), (height - 1, width - 1), (height // 3, width // 2)):
        assert place_of(ground, point_at(ground, row, col)) == (row, col)


def test_up_on_the_map_is_more_y_and_right_is_more_x():
    assert place_of(BOWL, (-2, 2)) == (0, 0)
    assert place_of(BOWL, (0.001, -0.001)) == (80, 80)
    assert place_of(BOWL, (99, -99)) == (159, 159)  # the nearest edge
    x, y = point_at(BOWL, 0, 159)
    assert x == pytest.approx(2 - 4 / 320) and y == pytest.approx(2 - 4 / 320)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_lowest_point_is_among_the_darkest(name, theme):
    ground = LANDSCAPES[name]
    pixels = landscape_map(ground, theme=theme)
    width, height = map_size(ground)
    assert pixels.shape == (height, width, 3) and pixels.dtype == np.uint8
    shades = luminance(pixels)
    for minimum in ground.minima:
        assert shades[place_of(ground, minimum)] <= np.quantile(shades, 0.25)


def test_relief_is_zero_at_the_lowest_point_and_grows_with_the_height():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(relief(BOWL, points), np.log([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_way_ends_in_its_colour(name, theme):
    path = np.array([[-1.6, 1.2], [1.0, 1.0]])
    pixels = drawn({name: path}, theme)
    assert tuple(pixels[place_of(BOWL, (1.0, 1.0))]) == ImageColor.getrgb(hue(name, theme))


def test_a_way_that_left_is_drawn_as_far_as_it_went():
    left = np.array([[-1.6, 1.2], [0.0, 1.0], [7.0, 1.0], [np.nan, np.nan]])
    assert np.array_equal(drawn({"sgd": left}), drawn({"sgd": left[:3]}))
    assert not np.array_equal(drawn({"sgd": left}), drawn({"sgd": left[:2]}))


def test_the_start_and_the_lowest_points_are_marked_without_any_racer():
    ground, pixels = landscape_map(BOWL), drawn({})
    changed = (pixels != ground).any(axis=2)
    assert changed[place_of(BOWL, (0.0, 0.0))]
    row, col = place_of(BOWL, (-1.6, 1.2))
    assert changed[row, col - 14 : col + 15].any() and not changed[row, col]


def test_every_optimiser_has_a_colour_and_a_sign_of_its_own():
    seats = [order_of(name) for name in OPTIMIZERS]
    assert seats == list(range(len(OPTIMIZERS)))
    assert all(len({hue(name, theme) for name in OPTIMIZERS}) == len(OPTIMIZERS) for theme in HUES)
    assert set(CORNERS) | {"circle"} >= set(SHAPES[: len(OPTIMIZERS)])
    assert len({short_name(name) for name in OPTIMIZERS}) == len(OPTIMIZERS)


def test_rows_count_steps_from_zero_and_leave_out_what_is_no_number():
    rows = course_rows({"adam": [4.0, 2.0], "gd": np.array([4.0, np.nan])})
    assert rows == [
        {"optimizer": "Adam", "step": 0, "value": 4.0},
        {"optimizer": "Adam", "step": 1, "value": 2.0},
        {"optimizer": "GD", "step": 0, "value": 4.0},
    ]


def test_lines_keep_their_colours_whoever_else_races():
    chart = course_chart(["gd", "adam"], "Height", steps=30, log=True, theme="dark")
    scale = chart["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "Adam": hue("adam", "dark"),
        "GD": hue("gd", "dark"),
    }
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 30]
    assert chart["encoding"]["y"]["scale"]["type"] == "log"
    assert json.loads(json.dumps(chart)) == chart


def test_the_surface_carries_true_heights_and_only_what_lies_on_it():
    path = np.array([[-1.6, 1.2], [1.0, 1.0], [5.0, 1.0], [np.nan, np.nan]])
    ground, way = surface(replace(BOWL), {"adam": path}, theme="dark").data
    np.testing.assert_allclose(ground.z, np.log1p(ground.customdata))
    assert (ground.customdata[0, 0], ground.customdata[-1, 0]) == (8.0, 8.0)
    assert list(way.x) == [-1.6, 1.0]
    np.testing.assert_allclose(way.customdata, [4.0, 2.0])
