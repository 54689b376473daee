"""The colours of compared things are legible on their page and told apart by everybody."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.figures.palette import CLASS_HUES, HUES, SHAPES, THEMES, luminance

Vector = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    "normal": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def rgb(colour: str) -> NDArray[np.uint8]:
    return np.array(list(bytes.fromhex(colour[1:])), dtype=np.uint8)


def seen(colour: str, sight: str) -> Vector:
    """Return a colour as one kind of sight sees it, in CIELAB."""
    share = rgb(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ np.array(SIGHTS[sight]).T
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear.clip(0, 1) @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", HUES)
@pytest.mark.parametrize("hues", [HUES, CLASS_HUES], ids=["runs", "classes"])
def test_any_two_are_told_apart(hues: dict[str, tuple[str, ...]], theme: str, sight: str) -> None:
    for one, other in combinations(hues[theme], 2):
        assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 20


@pytest.mark.parametrize("theme", HUES)
def test_all_stand_out_from_the_page(theme: str) -> None:
    for ground in (THEMES[theme].background, THEMES[theme].surface):
        for colour in (*HUES[theme], *CLASS_HUES[theme]):
            low, high = sorted((float(luminance(rgb(colour))), float(luminance(rgb(ground)))))
            assert (high + 0.05) / (low + 0.05) >= 3


def test_each_theme_has_as_many_colours_as_there_are_shapes() -> None:
    assert set(HUES) == set(CLASS_HUES) == set(THEMES)
    assert [len(set(colours)) for colours in CLASS_HUES.values()] == [10, 10]
    for colours in (*HUES.values(), SHAPES):
        assert len(set(colours)) == len(colours) == len(SHAPES)
