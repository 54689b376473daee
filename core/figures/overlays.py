"""Heatmaps laid over the picture that they explain, and pictures with one part highlighted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.figures.palette import Pixels
from core.figures.scales import SCOPES, ColorScale, Scope
from core.formatting import number

Sign = Literal["both", "positive", "negative"]
_MIN_SIDE_PX = 256
_MIN_SPOTLIGHT_PX = 384
_DIMMED = 0.4
_FRAMES = ((0, 0), (1, 255), (2, 255), (3, 0))  # distance from the edge of the box, grey: seen on every picture
_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture with a heatmap over it, and what its colours mean.

    Attributes:
        pixels: uint8 (H · zoom, W · zoom, 3).
        scale: What the colours mean, in numbers.
        blank: Whether the heatmap shows nothing.
        positive, negative: What the two signs mark; empty if nothing is known about them.
        sign: Which values are shown.
        scope: Which maps share the scale.
    """

    pixels: Pixels
    scale: ColorScale
    blank: bool
    positive: str = ""
    negative: str = ""
    sign: Sign = "both"
    scope: Scope = "map"

    @property
    def text(self) -> str:
        """What the colours mean and which maps share their scale, in a sentence or two."""
        if self.blank:
            return f"Nothing to show: {'no value has this sign' if self.scale.high else 'every value is zero'}."
        if self.scale.kind == "sequential":
            meanings = [f"Light: {self.positive or 'large values'}"]
        else:
            red, blue = f"Red: {self.positive or 'positive values'}", f"Blue: {self.negative or 'negative values'}"
            meanings = {"both": [red, blue], "positive": [red], "negative": [blue]}[self.sign]
        size = "" if self.scope == "each" else f": full colour is {number(self.scale.high)} or more"
        return f"{'. '.join(meanings)}. {SCOPES[self.scope]}{size}."


def overlay(
    pixels: Pixels,
    heatmap: ArrayLike,
    *,
    signed: bool,
    positive: str = "",
    negative: str | None = None,
    strength: float = 0.85,
    percentile: float = 99,
    sign: Sign = "both",
    zoom: int | None = None,
    scope: Scope = "map",
    full_colour: float = 0.0,
) -> Overlay:
    """Return a heatmap over the grey version of its picture, so that every colour seen is the heatmap's.

    Values of different methods have different units, so each heatmap is scaled by its own size. A value covers the
    picture in proportion to its size; where it is zero the picture shows unchanged.

    Args:
        pixels: The picture, uint8 (H, W, 3).
        heatmap: One value per pixel, float (H, W).
        signed: Whether negative values mean something; if not, they count as zero.
        positive, negative: What the two signs mark, as in `core.explain.Method`.
        strength: Cover of the strongest values, 0 (picture only) to 1.
        percentile: Values above this percentile of the sizes get full colour, so that single pixels do not
            outshine the rest.
        sign: Which values to show.
        zoom: Pixels per value, without smoothing; by default enough for a longer side of 256.
        scope: Which maps the heatmap consists of, for `Overlay.text`: several side by side share one scale.
        full_colour: The value that full colour stands for at least, see `core.explain.strength`.
    """
    values = np.nan_to_num(np.asarray(heatmap, dtype=np.float64))
    if values.shape != pixels.shape[:2]:
        raise ValueError(f"a heatmap of shape {values.shape} does not fit a picture of {pixels.shape[:2]}")
    scale = ColorScale.of(values, percentile=percentile, signed=signed).reaching(full_colour)
    if not signed or sign == "positive":
        values = values.clip(min=0)
    elif sign == "negative":
        values = values.clip(max=0)
    cover = strength * np.abs(values / (scale.high or 1.0)).clip(0, 1)[..., None]
    grey = (pixels @ _GREY)[..., None]
    blended = (grey * (1 - cover) + scale.rgb(values) * cover).round().astype(np.uint8)
    zoom = zoom or max(1, -(-_MIN_SIDE_PX // max(values.shape)))
    enlarged = blended.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return Overlay(enlarged, scale, not values.any(), positive, negative or "", sign, scope)


def map_layer(heatmap: ArrayLike, *, signed: bool, percentile: float = 99) -> NDArray[np.uint8]:
    """Return a heatmap as a layer to lay over a moving picture, scaled to itself as by `overlay`.

    Args:
        heatmap: One value per pixel, float (H, W).
        signed: Whether negative values mean something; if not, they count as zero.
        percentile: Values above this percentile of the sizes get full colour.

    Returns:
        uint8 (H, W, 4): the colour of each value, the less transparent the larger it is.
    """
    values = np.nan_to_num(np.asarray(heatmap, dtype=np.float64))
    if not signed:
        values = values.clip(min=0)
    scale = ColorScale.of(values, percentile=percentile, signed=signed)
    cover = np.abs(values / (scale.high or 1.0)).clip(0, 1)[..., None]
    return np.concatenate([scale.rgb(values), (255 * cover).round().astype(np.uint8)], axis=-1)


def faded(pixels: Pixels, signed: bool) -> Pixels:
    """Return a picture without its lights (under red and blue: its darks), which would pass for strong values."""
    return (110 + pixels * 0.48 if signed else pixels * 0.45).astype(np.uint8)


def spotlight(pixels: Pixels, box: tuple[int, int, int, int], *, zoom: int | None = None) -> Pixels:
    """Enlarge a picture without smoothing, frame a part of it and darken the rest.

    Args:
        pixels: The picture, uint8 (H, W, 3).
        box: (top, left, bottom, right) in pixels of the picture; bottom and right are exclusive. An empty box
            darkens everything.
        zoom: Pixels per pixel; by default enough for a longer side of 384.

    Returns:
        uint8 (H · zoom, W · zoom, 3).
    """
    zoom = zoom or max(1, -(-_MIN_SPOTLIGHT_PX // max(pixels.shape[:2])))
    large = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    top, left, bottom, right = (edge * zoom for edge in box)
    dimmed = (large * _DIMMED).astype(np.uint8)
    dimmed[top:bottom, left:right] = large[top:bottom, left:right]
    for inset, grey in _FRAMES:
        rows, columns = slice(top + inset, bottom - inset), slice(left + inset, right - inset)
        if min(bottom - top, right - left) > 2 * inset:
            dimmed[rows, [left + inset, right - inset - 1]] = grey
            dimmed[[top + inset, bottom - inset - 1], columns] = grey
    return dimmed
