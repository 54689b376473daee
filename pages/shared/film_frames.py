"""What a network makes of a few pinned pictures at one moment of its training, kept for all who watch it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.film import Tiles, filter_tiles, guesses, image_tiles, map_tiles, pinned
from core.figures.grids import sprite
from pages.shared import networks, subjects
from pages.shared.predictions import share
from pages.shared.training_images import training_set
from pages.shared.widgets.film import Bar, Caption

if TYPE_CHECKING:
    pass

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


def frame(weights: subjects.Weights, layer: str, seed: int) -> Frame:
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
def _frame(mark: tuple[Any, ...], layer: str, seed: int, _weights: subjects.Weights) -> Frame:
    """Compute what the strip shows; raises `ConvScopeError` where the weights cannot be used."""
    import torch

    from core.explain.prediction import predict
    from core.probe.activations import capture_activations
    from core.probe.kernels import filter_layers, filters

    run, test = _weights.run, training_set(_weights.run).test
    model = networks.model(_weights)
    labels = test.labels.numpy()
    places = pinned(labels, run.spec.num_classes, seed=seed)
    images = test.images[list(places)]
    shape = run.spec.input_shape
    pictures = [subjects.Picture("", shape, image.numpy().tobytes()) for image in images]
    inputs = torch.cat([networks.tensor(run, picture) for picture in pictures])
    truths = [int(labels[place]) for place in places]
    names = run.class_names
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
        step=_weights.network.step,
        pictures=_sheet(image_tiles(images.numpy())),
        captions=captions,
        convolution=convolution,
        filters=_sheet(filter_tiles(filters(model, convolution).numpy())) if convolution else None,
        maps=_sheet(map_tiles(capture_activations(model, inputs[:1], [layer])[layer][0].numpy())) if layer else None,
    )


def _sheet(tiles: Tiles) -> Sheet:
    return Sheet(tiles, sprite(tiles.pixels, COLUMNS))
