"""What is learned inside a network, in a lab report: the kernels of its first convolution."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from core.figures.grids import colorize, filters_as_rgb, sprite
from core.figures.scales import ColorScale
from core.probe.kernels import filter_layers, filters
from core.report.parts import Bar, Picture, bar, png

MOST_FILTERS, COLUMNS, SIDE, GAP = 64, 8, 56, 3


@dataclass(frozen=True)
class Filters:
    """The filters of a layer: its name, how many are shown of how many, the picture and what its colours mean."""

    layer: str
    shown: int
    total: int
    picture: Picture
    legend: Bar | None
    text: str


def first_filters(model: nn.Module) -> Filters | None:
    """Return the filters of the first convolution, or None of a network without one."""
    layers = filter_layers(model)
    if not layers:
        return None
    kernels = filters(model, layers[0]).numpy()
    total, channels = kernels.shape[:2]
    kernels = kernels[:MOST_FILTERS]
    if channels == 3:
        tiles, legend = filters_as_rgb(kernels), None
        text = "As small colour pictures: mid-grey is a weight of zero; each filter is scaled on its own."
    else:
        scale = ColorScale.of(kernels, signed=True)
        tiles, legend = colorize(kernels[:, 0], scale), bar(scale)
        text = "" if channels == 1 else f"Of each filter, its kernel over the first of {channels} channels."
    zoom = max(1, SIDE // tiles.shape[1])
    content = sprite(tiles, COLUMNS, gap=GAP, zoom=zoom)
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = (
        count * (size * zoom + GAP) - GAP for count, size in ((columns, tiles.shape[2]), (rows, tiles.shape[1]))
    )
    alt = f"{len(tiles)} filters of {tiles.shape[1]} × {tiles.shape[2]} weights, {_spread(kernels)}"
    return Filters(layers[0], len(tiles), total, png(content, alt, width, height), legend, text)


def _spread(kernels: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> str:
    return f"from {kernels.min():.3g} to {kernels.max():.3g}".replace("-", "−")
