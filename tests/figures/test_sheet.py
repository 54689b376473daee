"""The sheet holds every picture unchanged at the place that it states, and says what the colours mean."""

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import ExplainError
from core.figures.overlays import overlay
from core.figures.scales import ColorScale
from core.figures.sheet import COLUMNS, MIN_TILE_PX, Tile, sheet


def picture(height: int = 9, width: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def tile(number: int, **more: object) -> Tile:
    return Tile(f"Method {number}", "“cat”", picture(seed=number), "Light: what counts.", **more)  # type: ignore[arg-type]


def test_every_picture_stands_unchanged_where_it_says() -> None:
    tiles = [tile(number) for number in range(6)]
    made = sheet("Why “cat”?", "A network", tiles)
    pixels = opened(made.png)
    assert len(made.places) == 6
    for each, (left, top, zoom) in zip(tiles, made.places, strict=True):
        height, width = each.pixels.shape[0] * zoom, each.pixels.shape[1] * zoom
        assert max(height, width) >= MIN_TILE_PX
        assert np.array_equal(pixels[top : top + height : zoom, left : left + width : zoom], each.pixels)
        assert np.array_equal(pixels[top : top + zoom, left : left + zoom], np.full((zoom, zoom, 3), each.pixels[0, 0]))
    assert len({top for _, top, _ in made.places}) == -(-6 // COLUMNS)


def test_an_overlay_keeps_its_pixels() -> None:
    heat = np.random.default_rng(1).normal(size=(9, 7))
    drawn = overlay(picture(), heat, signed=True, zoom=1)
    made = sheet("Why?", "", [Tile("Occlusion", "“cat”", drawn.pixels, drawn.text, drawn.scale)])
    left, top, zoom = made.places[0]
    part = opened(made.png)[top : top + 9 * zoom : zoom, left : left + 7 * zoom : zoom]
    assert np.array_equal(part, drawn.pixels)


def test_the_colour_bar_stands_below_its_picture() -> None:
    scale = ColorScale("diverging", -2.0, 2.0)
    made = sheet("Why?", "", [tile(0, scale=scale)])
    left, top, zoom = made.places[0]
    bar = opened(made.png)[top + 9 * zoom + 16 + 8, left : left + 7 * zoom]
    assert np.array_equal(bar[0], scale.colors[1])
    assert np.array_equal(bar[-1], scale.colors[255])
    without = sheet("Why?", "", [tile(0)])
    assert not np.array_equal(opened(without.png)[top + 9 * zoom + 24, left : left + 7 * zoom], bar)


@pytest.mark.parametrize("part", ["heading", "about", "title", "subtitle", "text"])
def test_every_text_is_drawn_and_only_drawn(part: str) -> None:
    words = {"heading": "Why?", "about": "A network", "title": "Method", "subtitle": "cat", "text": "Light: much."}

    def made(**changed: str) -> np.ndarray:
        said = words | changed
        return opened(
            sheet(said["heading"], said["about"], [Tile(said["title"], said["subtitle"], picture(), said["text"])]).png
        )

    plain, changed = made(), made(**{part: "<b>dog</b>"})
    assert plain.shape[1] == changed.shape[1]
    rows = min(len(plain), len(changed))
    assert not np.array_equal(plain[:rows], changed[:rows])


def test_long_texts_make_the_sheet_higher_and_stay_inside() -> None:
    short = opened(sheet("Why?", "A", [tile(0)]).png)
    made = opened(sheet("Why?", "word " * 200, [Tile("T" * 300, "S" * 300, picture(), "text " * 200)]).png)
    assert made.shape[1] == short.shape[1]
    assert made.shape[0] > short.shape[0]
    assert (made[:, -40:] == 255).all()
    assert (made[-40:] == 255).all()


def test_pictures_larger_than_a_tile_are_not_enlarged() -> None:
    made = sheet("Why?", "", [Tile("A", "", picture(500, 600), ""), tile(1)])
    assert [place[2] for place in made.places] == [1, 50]
    left, top, _ = made.places[0]
    assert np.array_equal(opened(made.png)[top : top + 500, left : left + 600], picture(500, 600))


def test_nothing_and_too_much_are_refused_in_a_sentence() -> None:
    with pytest.raises(ExplainError, match="nothing to draw"):
        sheet("Why?", "", [])
    with pytest.raises(ExplainError, match="too many"):
        sheet("Why?", "", [tile(0)] * 1000)
