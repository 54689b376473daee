"""A network at a glance: its filters as they form, what its layers make of one image, and which pixels decided.

What is drawn is what the pages Filters, Feature maps and Explain show of the same network, in fewer and smaller tiles.
`python -m core.report` makes the pictures that come with the app.
"""

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConvScopeError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from core.inference.network import Network

FRAMES = 8  # moments of the loop
LATEST = -1
FILTERS, FILTER_COLUMNS = 32, 8
LAYERS, MAPS = 3, 6  # layers, and maps of each
LOOKED_THROUGH = 64  # test images, for the first that is recognised
METHOD = "integrated_gradients"


@dataclass(frozen=True)
class FilterFrames:
    """The kernels of a convolution at several moments.

    Attributes:
        png: A picture for each moment, one below the other.
        width, height: Pixels of one of them.
        layer: The convolution.
        epochs: The moments; 0 is before the first step, `LATEST` the weights of a run that keeps no epochs.
        shown, total: How many filters there are in the picture, and in the layer.
        mixed: Whether each filter is a mix of red, green and blue; else red is positive and blue is negative.
    """

    png: bytes
    width: int
    height: int
    layer: str
    epochs: tuple[int, ...]
    shown: int
    total: int
    mixed: bool = False


@dataclass(frozen=True)
class ExplainedImage:
    """One test image, what the layers made of it, and which of its pixels spoke for the answer.

    Attributes:
        index: Which test image.
        truth, answer: Its class, and the class that the network takes it for.
        share: The probability of that class, 0 to 1.
        image, explanation: The picture as the network receives it, and with the map over it, as PNG.
        maps: As PNG: a row for each of `layers`, its strongest maps, enlarged to one size.
        layers: Names of layers.
    """

    index: int
    truth: str
    answer: str
    share: float
    image: bytes
    explanation: bytes
    maps: bytes
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Portrait:
    """The pictures of one network; None for what it has not: no convolution, or no images at hand."""

    filters: FilterFrames | None
    explained: ExplainedImage | None


def portrait(network: "Network") -> Portrait:
    """Draw the network of a run with the weights it has; raises `ConvScopeError` where they cannot be read."""
    return Portrait(_filters(network), None if network.why_no_images else _explained(network))


def _filters(network: "Network") -> FilterFrames | None:
    import numpy as np

    from core.figures.film import filter_tiles
    from core.figures.grids import colorize, sprite
    from core.figures.scales import ColorScale
    from core.probe.kernels import filter_layers, filters

    names = filter_layers(network.model)
    if not names:
        return None
    kernels = {}
    for epoch in _spread(network.epochs, FRAMES):
        with suppress(ConvScopeError):  # damaged
            kernels[epoch] = filters(network.at(epoch).model, names[0]).numpy()
    if not kernels:
        kernels = {LATEST: filters(network.model, names[0]).numpy()}
    last = list(kernels.values())[-1]
    if last.shape[1] == 3:
        frames = [filter_tiles(each[:FILTERS]).pixels for each in kernels.values()]
    else:  # one scale and one choice of channels for all moments, those of the last
        scale = ColorScale.of(last, percentile=99, signed=True)
        channels = np.linalg.norm(last, axis=(2, 3)).argmax(axis=1)[:FILTERS]
        frames = [colorize(each[np.arange(len(channels)), channels], scale) for each in kernels.values()]
    sheets = [_pixels(sprite(frame, FILTER_COLUMNS, gap=1)) for frame in frames]
    height, width = sheets[0].shape[:2]
    loop = _png(np.concatenate(sheets))
    return FilterFrames(loop, width, height, names[0], tuple(kernels), len(frames[0]), len(last), last.shape[1] == 3)


def _spread(epochs: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return at most so many epochs, the first and the last among them, about equally far apart."""
    if len(epochs) <= most:
        return epochs
    return tuple(epochs[round(place * (len(epochs) - 1) / (most - 1))] for place in range(most))


def _explained(network: "Network") -> ExplainedImage:
    import numpy as np

    from core.explain.attribution import attribute, heatmap
    from core.explain.strength import full_colour
    from core.figures.overlays import faded, overlay
    from core.inference.prediction import predict

    test = network.dataset().test
    images = network.normalize(test.images[:LOOKED_THROUGH])
    probabilities = predict(network.model, images)
    answers, labels = probabilities.argmax(1), test.labels[:LOOKED_THROUGH]
    index = int((answers == labels).int().argmax())  # the first that it recognises, else the very first
    answer = int(answers[index])
    attribution = attribute(network.model, images[index], answer, METHOD)
    pixels = test.images[index].numpy().transpose(1, 2, 0)
    picture = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
    figure = overlay(
        faded(picture, attribution.signed),
        heatmap(attribution).numpy(),
        signed=attribution.signed,
        zoom=1,
        full_colour=full_colour([attribution]),
    )
    maps, layers = _maps(network, images[index : index + 1])
    names = network.class_names
    return ExplainedImage(
        index,
        names[int(labels[index])],
        names[answer],
        float(probabilities[index, answer]),
        _png(picture),
        _png(figure.pixels),
        maps,
        layers,
    )


def _maps(network: "Network", image: "Tensor") -> tuple[bytes, tuple[str, ...]]:
    import numpy as np

    from core.figures.grids import colorize
    from core.figures.scales import ColorScale
    from core.probe.activations import capture_activations

    layers = _layers_with_maps(network)
    activations = {name: maps[0].numpy() for name, maps in capture_activations(network.model, image, layers).items()}
    side = max(max(maps.shape[1:]) for maps in activations.values())
    rows = []
    for maps in activations.values():
        strongest = np.sort(np.argsort(-np.abs(maps).sum(axis=(1, 2)), kind="stable")[:MAPS])
        tiles = colorize(maps[strongest], ColorScale.of(maps, percentile=99.5))
        row = np.zeros((side, MAPS * (side + 1) - 1, 4), dtype=np.uint8)
        places = [np.arange(side) * size // side for size in tiles.shape[1:3]]
        for place, tile in enumerate(tiles):
            left = place * (side + 1)
            row[:, left : left + side, :3] = tile[places[0]][:, places[1]]
            row[:, left : left + side, 3] = 255
        rows += [row, np.zeros((1, row.shape[1], 4), dtype=np.uint8)]
    return _png(np.concatenate(rows[:-1])), tuple(activations)


def _layers_with_maps(network: "Network") -> tuple[str, ...]:
    """Name the first layer, one in the middle and the last of those that change what the maps show."""
    from core.model.shapes import summarize

    spec = network.require_run().spec
    layers = summarize(spec)
    chosen: list[str] = []
    for layer, after in zip(layers, (*layers[1:], None), strict=True):
        shape = layer.output_shape
        if shape is None or len(shape) != 3 or shape[1] * shape[2] < 2:
            continue
        computes = layer.kind in ("conv", "activation", "batch_norm", "residual", "backbone")
        if computes and not (after and after.kind in ("activation", "batch_norm")):
            chosen.append(layer.name)
    chosen = chosen or [layer.name for layer in layers if layer.output_shape and len(layer.output_shape) == 3]
    return tuple(chosen[place] for place in _spread(tuple(range(len(chosen))), LAYERS))


def _pixels(png: bytes) -> "np.ndarray":
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def _png(pixels: "np.ndarray") -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()
