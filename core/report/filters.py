"""Filters of the first convolutions in a lab report."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from core.figures.grids import colorize, filters_as_rgb, sprite
from core.figures.scales import ColorScale
from core.formatting import formatted
from core.probe.kernels import filter_layers, filters
from core.report.elements import Bar, ReportImage, bar, png

MAX_LAYERS, MAX_FILTERS, COLUMNS, FILTER_PX, GAP_PX = 4, 64, 16, 36, 6


@dataclass(frozen=True)
class Filters:
    """The filters of a layer: its name, how many are shown of how many, the picture and what its colours mean."""

    layer: str
    num_shown: int
    total: int
    picture: ReportImage
    legend: Bar | None
    text: str


def shown_filters(model: nn.Module) -> tuple[Filters, ...]:
    """Return the filters of the first convolutions, at most `MAX_LAYERS`."""
    return tuple(_of(model, layer) for layer in filter_layers(model)[:MAX_LAYERS])


def _of(model: nn.Module, layer: str) -> Filters:
    kernels = filters(model, layer).numpy()
    total, channels = kernels.shape[:2]
    kernels = kernels[:MAX_FILTERS]
    if channels == 3:
        tiles, legend = filters_as_rgb(kernels), None
        text = "As small colour pictures: mid-grey is a weight of zero; each filter is scaled on its own."
    else:
        scale = ColorScale.of(kernels, signed=True)
        tiles, legend = colorize(kernels[:, 0], scale), bar(scale)
        text = "" if channels == 1 else f"Of each filter, its kernel over the first of {channels} channels."
    zoom = max(1, FILTER_PX // tiles.shape[1])
    content = sprite(tiles, COLUMNS, gap=GAP_PX, zoom=zoom)
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = (
        count * (size * zoom + GAP_PX) - GAP_PX for count, size in ((columns, tiles.shape[2]), (rows, tiles.shape[1]))
    )
    alt = f"{len(tiles)} filters of {tiles.shape[1]} × {tiles.shape[2]} weights, {_spread(kernels)}"
    return Filters(layer, len(tiles), total, png(content, alt, width, height), legend, text)


def _spread(kernels: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> str:
    return f"from {formatted(kernels.min(), '.3g')} to {formatted(kernels.max(), '.3g')}"
