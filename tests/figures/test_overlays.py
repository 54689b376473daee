"""An overlay covers the grey picture in proportion to the heatmap, and says what its colours mean."""

import numpy as np
import pytest

from core.figures.overlays import map_layer, overlay
from core.figures.palette import diverging, sequential
from core.figures.scales import ColorScale, Scope

PICTURE = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
GREY = (PICTURE @ [0.299, 0.587, 0.114]).round().astype(int)


def test_where_the_heatmap_is_zero_the_picture_shows_in_grey() -> None:
    heatmap = np.zeros((4, 6))
    heatmap[1, 2] = 3
    found = overlay(PICTURE, heatmap, signed=False, strength=1, percentile=100, zoom=1)
    kept = heatmap == 0
    assert (found.pixels[kept] == GREY[kept][:, None]).all()
    assert found.pixels[1, 2].tolist() == sequential()[255].tolist()
    assert not found.blank


def test_strength_and_size_decide_the_cover() -> None:
    heatmap = np.zeros((4, 6))
    heatmap[0, 0], heatmap[0, 1] = 2, -1
    found = overlay(PICTURE, heatmap, signed=True, strength=0.5, percentile=100, zoom=1)
    assert found.scale == ColorScale("diverging", -2, 2)
    expected = GREY[0, 0] * 0.5 + diverging()[255] * 0.5
    assert np.abs(found.pixels[0, 0] - expected).max() <= 1
    expected = GREY[0, 1] * 0.75 + found.scale.rgb(-1.0) * 0.25
    assert np.abs(found.pixels[0, 1] - expected).max() <= 1
    assert (overlay(PICTURE, heatmap, signed=True, strength=0, zoom=1).pixels == GREY[..., None]).all()


def test_signs_can_be_shown_apart_on_the_same_scale() -> None:
    heatmap = np.linspace(-1, 3, 24).reshape(4, 6)
    both, red, blue = (
        overlay(PICTURE, heatmap, signed=True, sign=sign, zoom=1)  # type: ignore[arg-type]
        for sign in ("both", "positive", "negative")
    )
    assert both.scale == red.scale == blue.scale
    positive = heatmap > 0
    assert (red.pixels[positive] == both.pixels[positive]).all()
    assert (red.pixels[~positive] == GREY[~positive][:, None]).all()
    assert (blue.pixels[~positive] == both.pixels[~positive]).all()
    assert (blue.pixels[positive] == GREY[positive][:, None]).all()


def test_the_sentence_names_colours_meaning_and_scale() -> None:
    heatmap = np.array([[-0.5, 0.25]])
    words = {"positive": "for the class", "negative": "against it"}
    tail = "Scaled to this map alone: full colour is 0.5 or more."
    picture = PICTURE[:1, :2]
    text = overlay(picture, heatmap, signed=True, percentile=100, **words).text
    assert text == f"Red: for the class. Blue: against it. {tail}"
    text = overlay(picture, heatmap, signed=True, percentile=100, sign="negative", **words).text
    assert text == f"Blue: against it. {tail}"
    text = overlay(picture, -heatmap, signed=False, percentile=100, positive="regions that matter").text
    assert text == f"Light: regions that matter. {tail}"


@pytest.mark.parametrize("heatmap", [np.zeros((4, 6)), np.full((4, 6), np.nan)])
@pytest.mark.parametrize("signed", [True, False])
def test_an_empty_heatmap_leaves_the_picture_and_says_so(heatmap: np.ndarray, signed: bool) -> None:
    found = overlay(PICTURE, heatmap, signed=signed, zoom=1)
    assert found.blank
    assert found.text == "Nothing to show: every value is zero."
    assert (found.pixels == GREY[..., None]).all()


def test_a_sign_that_does_not_occur_says_so() -> None:
    found = overlay(PICTURE, np.ones((4, 6)), signed=True, sign="negative")
    assert found.blank
    assert found.text == "Nothing to show: no value has this sign."


def test_a_single_bright_pixel_does_not_outshine_the_rest() -> None:
    heatmap = np.ones((20, 20))
    heatmap[0, 0] = 1000
    picture = np.zeros((20, 20, 3), dtype=np.uint8)
    assert overlay(picture, heatmap, signed=False).scale.high == pytest.approx(1)
    assert overlay(picture, heatmap, signed=False, percentile=100).scale.high == 1000


def test_enlarged_without_smoothing() -> None:
    heatmap = np.random.default_rng(1).normal(size=(4, 6))
    small = overlay(PICTURE, heatmap, signed=True, zoom=1).pixels
    large = overlay(PICTURE, heatmap, signed=True).pixels
    assert large.shape == (4 * 43, 6 * 43, 3)
    assert (large[21::43, 21::43] == small).all()
    assert (large == small.repeat(43, 0).repeat(43, 1)).all()


def test_a_heatmap_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        overlay(PICTURE, np.zeros((4, 5)), signed=True)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("both", "One scale for both: full colour is 0.5 or more."),
        ("networks", "One scale for A and B: full colour is 0.5 or more."),
        ("each", "Each map is scaled by itself (1 is its own full colour): how strong it is cannot be compared."),
    ],
)
def test_the_sentence_says_which_maps_share_the_scale(scope: Scope, words: str) -> None:
    drawn = overlay(PICTURE[:1, :2], np.array([[-0.5, 0.25]]), signed=True, percentile=100, scope=scope)
    assert drawn.text == f"Red: positive values. Blue: negative values. {words}"
    assert overlay(PICTURE, np.zeros((4, 6)), signed=True, scope=scope).text == "Nothing to show: every value is zero."


def test_a_layer_over_a_moving_picture_shows_what_an_overlay_does() -> None:
    heatmap = np.linspace(-1, 3, 24).reshape(4, 6)
    for signed in (True, False):
        layer = map_layer(heatmap, signed=signed, percentile=90).astype(float)
        cover = layer[..., 3:] / 255
        laid = GREY[..., None] * (1 - cover) + layer[..., :3] * cover
        expected = overlay(PICTURE, heatmap, signed=signed, strength=1, percentile=90, zoom=1).pixels
        assert np.abs(laid - expected).max() <= 2


def test_a_weak_map_is_not_stretched_to_full_colour() -> None:
    heatmap = np.zeros((4, 6))
    heatmap[0, 0] = 1.0
    faint = overlay(PICTURE, heatmap, signed=False, percentile=100, full_colour=4.0)
    assert faint.scale.high == 4
    assert overlay(PICTURE, heatmap, signed=True, percentile=100, full_colour=4.0).scale.low == -4
    assert overlay(PICTURE, heatmap, signed=False, percentile=100, full_colour=0.5).scale.high == 1
    assert overlay(PICTURE, heatmap * 0, signed=False, full_colour=4.0).blank
