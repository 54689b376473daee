"""Heatmaps of cascading randomization, each scaled by its own size."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.figures.palette import Pixels
from core.figures.scales import ColorScale

_WIDTH_PX = 128  # pixels are repeated until a map is about so wide


def unit_map(values: ArrayLike, percentile: float = 99) -> NDArray[np.float64]:
    """Return a map divided by its largest absolute value: values from −1 to 1, comparable in pattern but not in size.

    The size is a high percentile of its values' sizes, which a few extreme pixels do not move. A blank map stays so.
    """
    array = np.asarray(values, dtype=np.float64)
    return (array / (ColorScale.of(array, percentile=percentile, signed=True).high or 1.0)).clip(-1, 1)


def cascade_tiles(maps: Sequence[ArrayLike], *, signed: bool) -> tuple[Pixels, ColorScale]:
    """Return coloured maps (H, W), each divided by its own size, in one scale from −1 to 1, or 0 to 1 without signs.

    Returns:
        uint8 (N, H · zoom, W · zoom, 3), its pixels to be seen, and the scale.
    """
    scale = ColorScale("diverging", -1.0, 1.0) if signed else ColorScale("sequential", 0.0, 1.0)
    pixels = scale.rgb(np.stack([unit_map(values) for values in maps]))
    zoom = max(1, round(_WIDTH_PX / max(pixels.shape[1:3])))
    return pixels.repeat(zoom, axis=1).repeat(zoom, axis=2), scale
