"""A heatmap laid over the picture it explains."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.figures.palette import Pixels
from core.figures.scales import ColorScale, number

_SHOWN_SIDE = 256
_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture with its heatmap.

    Attributes:
        pixels: uint8 (H · zoom, W · zoom, 3).
        scale: What the colours mean.
        text: One sentence on the colours, ready for the screen.
        blank: Whether the heatmap shows nothing.
    """

    pixels: Pixels
    scale: ColorScale
    text: str
    blank: bool


def overlay(
    pixels: Pixels,
    heatmap: ArrayLike,
    *,
    signed: bool,
    positive: str = "",
    negative: str | None = None,
    strength: float = 0.85,
    percentile: float = 99,
    sign: Literal["both", "positive", "negative"] = "both",
    zoom: int | None = None,
) -> Overlay:
    """Lay a heatmap over the grey version of its picture, so that every colour seen is the heatmap's.

    Values of different methods have different units, so each heatmap is scaled by its own size: that is
    stated in `text`. A value covers the picture in proportion to its size; where it is zero the picture shows
    unchanged.

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
    """
    values = np.nan_to_num(np.asarray(heatmap, dtype=np.float64))
    if values.shape != pixels.shape[:2]:
        raise ValueError(f"a heatmap of shape {values.shape} does not fit a picture of {pixels.shape[:2]}")
    scale = ColorScale.of(values, percentile=percentile, signed=signed)
    if not signed or sign == "positive":
        values = values.clip(min=0)
    elif sign == "negative":
        values = values.clip(max=0)
    cover = strength * np.abs(values / (scale.high or 1.0)).clip(0, 1)[..., None]
    grey = (pixels @ _GREY)[..., None]
    blended = (grey * (1 - cover) + scale.rgb(values) * cover).round().astype(np.uint8)
    zoom = zoom or max(1, -(-_SHOWN_SIDE // max(values.shape)))
    blank = not values.any()
    if blank:
        text = f"Nothing to show: {'no value has this sign' if scale.high else 'every value is zero'}."
    else:
        text = _sentence(scale, positive, negative, sign)
    return Overlay(blended.repeat(zoom, axis=0).repeat(zoom, axis=1), scale, text, blank)


def faded(pixels: Pixels, signed: bool) -> Pixels:
    """Take a picture's lights (or, under red and blue, its darks) away, which would pass for strong values."""
    return (110 + pixels * 0.48 if signed else pixels * 0.45).astype(np.uint8)


def _sentence(scale: ColorScale, positive: str, negative: str | None, sign: str) -> str:
    parts = []
    if scale.kind == "sequential":
        parts.append(f"Light: {positive or 'large values'}")
    else:
        if sign != "negative":
            parts.append(f"Red: {positive or 'positive values'}")
        if sign != "positive":
            parts.append(f"Blue: {negative or 'negative values'}")
    return f"{'. '.join(parts)}. Scaled to this map alone: full colour is {number(scale.high)} or more."
