"""The colours are legible, told apart by the colour-blind, and order values the way they should."""

import numpy as np
import plotly.colors
import pytest
from numpy.typing import NDArray

from core.figures.palette import ACCENT, THEMES, diverging, hex_of, luminance, sequential

Vector = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def rgb(colour: str) -> NDArray[np.uint8]:
    return np.array(list(bytes.fromhex(colour[1:])), dtype=np.uint8)


def contrast(one: str, other: str) -> float:
    low, high = sorted((float(luminance(rgb(one))), float(luminance(rgb(other)))))
    return (high + 0.05) / (low + 0.05)


def lab(linear: Vector) -> Vector:
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear.clip(0, 1) @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def linear(pixels: NDArray[np.uint8]) -> Vector:
    share = pixels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("name", THEMES)
def test_text_is_legible(name: str) -> None:
    theme = THEMES[name]
    for ground in (theme.background, theme.surface):
        assert contrast(theme.text, ground) >= 7
        assert contrast(theme.muted, ground) >= 4.5
        assert contrast(theme.mark, ground) >= 4.5
        for colour in (theme.accent, theme.train, theme.valid, theme.test):
            assert contrast(colour, ground) >= 3
    assert theme.accent == ACCENT
    assert contrast("#ffffff", ACCENT) >= 4.5


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("name", THEMES)
def test_splits_are_told_apart_by_the_colour_blind(name: str, kind: str) -> None:
    theme = THEMES[name]
    seen = [lab(linear(rgb(c)) @ np.array(BLINDNESS[kind]).T) for c in (theme.train, theme.valid, theme.test)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(seen[one] - seen[other]) > 20


def test_the_sequential_scale_grows_evenly_in_lightness_for_everyone() -> None:
    for matrix in (np.eye(3), *map(np.array, BLINDNESS.values())):
        lightness = lab(linear(sequential()) @ matrix.T)[:, 0]
        steps = np.diff(lightness[::15])
        assert steps.min() > 0
        assert steps.max() < 2.5 * steps.mean()
        assert lightness[-1] - lightness[0] > 75


def test_the_diverging_scale_is_centred_on_white() -> None:
    table = diverging()
    assert table[128].tolist() == [247, 247, 247]
    lightness = lab(linear(table))[:, 0]
    assert (np.diff(lightness[1:129]) > 0).all()
    assert (np.diff(lightness[128:]) < 0).all()
    assert np.abs(lightness[129:] - lightness[1:128][::-1]).max() < 12  # a value and its opposite look as strong
    blue, red = table[20].astype(int), table[236].astype(int)
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50


def test_the_scales_are_the_published_ones() -> None:
    def published(colours: list[str]) -> NDArray[np.uint8]:
        return np.array([plotly.colors.unlabel_rgb(colour) for colour in colours])

    deep = published(plotly.colors.sequential.deep[::-1])
    assert np.abs(sequential()[np.linspace(0, 255, len(deep)).round().astype(int)] - deep).max() <= 6
    red_blue = published(plotly.colors.diverging.RdBu[::-1])
    assert np.abs(diverging()[np.linspace(1, 255, len(red_blue)).round().astype(int)] - red_blue).max() <= 3


@pytest.mark.parametrize("table", [sequential, diverging])
def test_tables_are_256_colours_that_nobody_can_change(table: object) -> None:
    colours = table()  # type: ignore[operator]
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        colours[0] = 0


def test_hex_of_a_colour() -> None:
    assert hex_of(np.array([0, 171, 255], dtype=np.uint8)) == "#00abff"
