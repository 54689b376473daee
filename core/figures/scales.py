"""Colour scales: which colour a value gets, which maps share a scale, and what is written beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.figures.palette import MISSING, Pixels, diverging, hex_of, sequential
from core.formatting import number


@dataclass(frozen=True)
class ColorScale:
    """A mapping from values to colours.

    Attributes:
        kind: "sequential" runs from zero (dark) to `high` (light); "diverging" from `low` = −`high` (blue)
            over zero (white) to `high` (red).
        low: The value of the first colour; lower values get it too.
        high: The value of the last colour; higher values get it too. 0 if every value is zero.
    """

    kind: Literal["sequential", "diverging"]
    low: float
    high: float

    @classmethod
    def of(cls, maps: ArrayLike, *, percentile: float = 100, signed: bool | None = None) -> "ColorScale":
        """Choose one scale for maps of any shape: sequential if no value is negative, else diverging.

        Args:
            maps: The values; those that are not finite are not looked at.
            percentile: The share of values (0 to 100, by size) inside the scale: below 100, a few extreme
                values no longer darken all the others.
            signed: True or False fixes the kind.
        """
        values = np.asarray(maps, dtype=np.float64)
        values = values[np.isfinite(values)]
        negative = bool((values < 0).any()) if signed is None else signed
        sizes = np.abs(values) if negative else values.clip(min=0)
        high = 0.0
        if sizes.size:
            high = float(sizes.max() if percentile >= 100 else np.percentile(sizes, percentile))
            high = high or float(sizes.max())  # so sparse that the percentile is zero
        return cls("diverging", -high or 0.0, high) if negative else cls("sequential", 0.0, high)

    def reaching(self, value: float) -> "ColorScale":
        """Return the scale, or a wider one whose full colour is `value`; where every value is zero, the scale."""
        if not 0 < self.high < value:
            return self
        return ColorScale(self.kind, -value if self.kind == "diverging" else 0.0, value)

    @property
    def colors(self) -> Pixels:
        """The 256 colours, uint8 (256, 3)."""
        return diverging() if self.kind == "diverging" else sequential()

    def index(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return each value's index among the 256 colours, uint8 (…); NaN gets that of zero."""
        array = np.asarray(values, dtype=np.float64)
        size = self.high if self.high > 0 else 1.0
        share = np.nan_to_num(array / size, nan=0.0, posinf=1.0, neginf=-1.0)
        if self.kind == "diverging":
            return (128 + (share.clip(-1, 1) * 127).round()).astype(np.uint8)
        return (share.clip(0, 1) * 255).round().astype(np.uint8)

    def rgb(self, values: ArrayLike) -> Pixels:
        """Return the colours of values (…): uint8 (…, 3); grey for what is not a number."""
        pixels = self.colors[self.index(values)]
        missing = np.isnan(np.asarray(values))
        if missing.any():
            pixels[missing] = MISSING
        return pixels

    def plotly(self) -> list[tuple[float, str]]:
        """Return the same colours as a Plotly colour scale, for `zmin=low` and `zmax=high`."""
        first = 1 if self.kind == "diverging" else 0
        colours = self.colors[first:]
        return [(place / (len(colours) - 1), hex_of(colour)) for place, colour in enumerate(colours)]


Scope = Literal["map", "each", "both", "these", "all_these", "networks", "all_maps", "network"]
SCOPES: dict[Scope, str] = {
    "map": "Scaled to this map alone",
    "each": "Each map is scaled by itself (1 is its own full colour): how strong it is cannot be compared",
    "both": "One scale for both",
    "these": "One scale for these",
    "all_these": "One scale for all of these",
    "networks": "One scale for A and B",
    "all_maps": "One scale for all maps",
    "network": "One scale for all layers of the network",
}
"""Which maps share a scale, in words."""


def scale_of_each(layers: Sequence[ArrayLike], *, percentile: float = 100) -> list[ColorScale]:
    """Return a scale for each map of one or several layers of one shape, (C, …): the same channels share theirs.

    All are of one kind: diverging if any value of the layers is negative.
    """
    values = np.stack([np.asarray(maps, dtype=np.float64) for maps in layers], axis=1)
    signed = bool((values < 0).any())
    return [ColorScale.of(of_channel, percentile=percentile, signed=signed) for of_channel in values]


@dataclass(frozen=True)
class Legend:
    """A colour bar with its labels and a sentence.

    Attributes:
        css: The scale as a CSS background, from left (low) to right (high).
        labels: The values at its left end, middle and right end.
        text: One sentence that says what the colours mean.
    """

    css: str
    labels: tuple[str, str, str]
    text: str


def legend(scale: ColorScale) -> Legend:
    """Return the legend of a scale."""
    first = 1 if scale.kind == "diverging" else 0
    stops = ", ".join(hex_of(scale.colors[round(place)]) for place in np.linspace(first, 255, 13))
    labels = (number(scale.low), number((scale.low + scale.high) / 2), number(scale.high))
    if scale.high == 0:
        text = "Every value is zero."
    elif scale.kind == "diverging":
        text = (
            f"Blue is negative, white is zero, red is positive; full colour is {number(scale.high)} or more either way."
        )
    else:
        text = f"Dark is zero; the lightest colour is {number(scale.high)} or more."
    return Legend(f"linear-gradient(to right, {stops})", labels, text)
