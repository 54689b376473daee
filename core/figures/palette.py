"""The palette of all figures: accent, colours of the splits, a sequential and a diverging colour map, themes."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

ACCENT = "#0B7A75"  # deep teal: white text on it has contrast 5.2, it stands 3.5 to 1 against both backgrounds
MISSING = (150, 150, 150)  # not a number
WRONG = "#d6453d"  # what cannot work; 3 to 1 and more against both backgrounds

# "deep" of cmocean (Thyng et al. 2016, doi:10.5670/oceanog.2016.66), turned round: it grows evenly in lightness,
# so it also works for the colour-blind and in grey print.
_SEQUENTIAL = "271a2c 362b4d 403c73 3e528f 3e6c96 44829b 4c99a0 56b1a3 6fc9a3 9cdba5 ceecb3 fdfdcc"
# RdBu by C. Brewer (ColorBrewer 2), turned round: blue is negative, white is zero, red is positive.
_DIVERGING = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"


@dataclass(frozen=True)
class Theme:
    """Colours that differ between a light and a dark page, as "#rrggbb".

    Attributes:
        background: The page.
        surface: Cards and the side menu.
        line: Borders and grid lines.
        muted: Secondary text.
        neutral: Bars and marks that are not chosen.
        text: Text.
        accent: Buttons; white text on it is legible.
        mark: The accent as a line, a bar or a link on the page.
        train, valid, test: The splits, told apart by the colour-blind too (after Okabe and Ito 2008).
    """

    background: str
    surface: str
    line: str
    muted: str
    neutral: str
    text: str
    accent: str
    mark: str
    train: str
    valid: str
    test: str


THEMES: dict[str, Theme] = {
    "light": Theme(
        background="#ffffff",
        surface="#f3f6f5",
        line="#d5dcda",
        muted="#5c6967",
        neutral="#a9b8b5",
        text="#1a2322",
        accent=ACCENT,
        mark=ACCENT,
        train="#0072b2",
        valid="#d55e00",
        test="#a64d79",
    ),
    "dark": Theme(
        background="#101516",
        surface="#1a2122",
        line="#344041",
        muted="#93a19f",
        neutral="#4d5c5b",
        text="#e6ecea",
        accent=ACCENT,
        mark="#3dbdb1",
        train="#56b4e9",
        valid="#e69f00",
        test="#b85c9a",
    ),
}

# Colours and shapes for up to eight things compared in one figure, also for the colour-blind.
# Found by simulated annealing: any two of them differ by at least 20 in CIELAB for normal sight and for each kind of
# colour blindness (Machado, Oliveira and Fernandes 2009), and all stand 3 to 1 against their theme's backgrounds.
# The order puts the most different ones first.
HUES: dict[str, tuple[str, ...]] = {
    "light": ("#457cec", "#a64a02", "#6e005e", "#c7738f", "#07614b", "#4f310c", "#9d6ab6", "#778853"),
    "dark": ("#85f8f6", "#967502", "#bd4487", "#eda899", "#b1d563", "#176ac8", "#d5a5ff", "#647143"),
}
# Ten of the same kind for classes, which are often ten; any two differ by at least 28.
CLASS_HUES: dict[str, tuple[str, ...]] = {
    "light": (
        "#5200f8", "#d2750b", "#16585c", "#ff29aa", "#702802", "#928a5b", "#bf51f8", "#03063d", "#610197", "#280600",
    ),
    "dark": (
        "#2dfd94", "#d2163b", "#5851f9", "#f6f11e", "#f79df7", "#d07807", "#1dac7c", "#797291", "#a54dc5", "#cbf5e2",
    ),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")


def _blend(stops: str, positions: NDArray[np.float64]) -> Pixels:
    colours = np.array([list(bytes.fromhex(stop)) for stop in stops.split()], dtype=np.float64)
    at = np.linspace(0, 1, len(colours))
    table = np.stack([np.interp(positions, at, channel) for channel in colours.T], axis=1).round()
    table = table.astype(np.uint8)
    table.setflags(write=False)
    return table


@cache
def sequential() -> Pixels:
    """Return the sequential colour map, uint8 (256, 3), read-only: from dark (zero) to light."""
    return _blend(_SEQUENTIAL, np.linspace(0, 1, 256))


@cache
def diverging() -> Pixels:
    """Return the diverging colour map, uint8 (256, 3), read-only.

    Colour 128 is exactly the white of zero; 1 is the deepest blue and 255 the deepest red, so that a value
    and its opposite are equally far from it.
    """
    return _blend(_DIVERGING, ((np.arange(256) - 128) / 127).clip(-1, 1) / 2 + 0.5)


def hex_of(colour: Pixels) -> str:
    """Return one RGB colour, uint8 (3,), as "#rrggbb"."""
    return "#" + bytes(colour.tolist()).hex()


def luminance(pixels: Pixels) -> NDArray[np.float64]:
    """Return the relative luminance (0 black to 1 white) of colours, uint8 (…, 3), as WCAG 2 defines it."""
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
