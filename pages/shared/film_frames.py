"""What a network makes of a few pinned pictures at one moment of its training, kept for all who watch it."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.figures.film import Tiles, filter_tiles, guesses, image_tiles, map_tiles, pinned
from core.figures.grids import sprite
from core.inference.network import Network
from pages.shared.predictions import share
from pages.shared.widgets.film import Bar, Caption

COLUMNS = 16  # of a sheet
RIGHT, WRONG = "✓ right", "✗ wrong"


@dataclass(frozen=True, eq=False)
class Sheet:
    """Tiles as one picture."""

    tiles: Tiles
    png: bytes


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything that the strip shows of one moment.

    Attributes:
        step: Updates of the weights so far; None where that is not known.
        pictures: The pinned images.
        captions: What the network says of each.
        convolution: Name of the first convolution; empty where there is none.
        filters: Its filters.
        maps: What the chosen layer makes of the first image.
    """

    step: int | None
    pictures: Sheet
    captions: tuple[Caption, ...]
    convolution: str
    filters: Sheet | None
    maps: Sheet | None


def frame(weights: Network, layer: str, seed: int) -> Frame:
    """Return what the strip shows of these weights; nothing is computed twice.

    Args:
        weights: Of a run, at one moment.
        layer: Whose maps are shown; empty for none.
        seed: Decides which images are pinned.

    Raises:
        ConvScopeError: The weights cannot be used.
    """
    return _frame(weights.mark, layer, seed, weights)


@st.cache_resource(show_spinner=False, max_entries=32)
def _frame(mark: tuple[Any, ...], layer: str, seed: int, _weights: Network) -> Frame:
    """Compute what the strip shows; raises `ConvScopeError` where the weights cannot be used."""

    from core.explain.prediction import predict
    from core.probe.activations import capture_activations
    from core.probe.kernels import filter_layers, filters

    model, test = _weights.model, _weights.dataset().test
    labels = test.labels.numpy()
    places = pinned(labels, _weights.num_classes, seed=seed)
    images = test.images[list(places)]
    inputs = _weights.normalize(images)
    truths = [int(labels[place]) for place in places]
    names = _weights.class_names
    said = guesses(predict(model, inputs), truths)
    captions = tuple(
        Caption(
            names[true],
            RIGHT if best[0].true else WRONG,
            tuple(Bar(names[guess.label], guess.share, share(guess.share), guess.true) for guess in best),
        )
        for true, best in zip(truths, said, strict=True)
    )
    convolution = next(iter(filter_layers(model)), "")
    return Frame(
        step=_weights.stamped.step,
        pictures=_sheet(image_tiles(images.numpy())),
        captions=captions,
        convolution=convolution,
        filters=_sheet(filter_tiles(filters(model, convolution).numpy())) if convolution else None,
        maps=_sheet(map_tiles(capture_activations(model, inputs[:1], [layer])[layer][0].numpy())) if layer else None,
    )


def _sheet(tiles: Tiles) -> Sheet:
    return Sheet(tiles, sprite(tiles.pixels, COLUMNS))
