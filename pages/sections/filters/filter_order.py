"""In which order the filters of a convolution stand, and which of them are dead."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.formatting import number
from core.inference.network import Network
from core.model.readout import readout_layer
from core.probe.filter_bank import Filters
from core.probe.network_layers import readout_of
from pages.shared.display.class_bars import class_name
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDERS = {"number": "By number", "strength": "Strongest first", "contribution": "Most for the answer"}
BATCH, AT_ONCE = 256, 64  # training images that tell the dead from the living, and how many of them at a time


def answers_words(layer: str, read: str) -> str:
    """Say where that is, to be read after "its map"."""
    return f"as {layer} puts it out" if read == layer else f"after {read}"


@dataclass(frozen=True, eq=False)
class Arrangement:
    """The filters of a convolution in an order.

    Attributes:
        places: Which filter stands where.
        added: What each filter, by its number, adds to the score of the predicted class; None unless that is the order.
        words: What the order means, Markdown; empty where its name says it all.
    """

    places: list[int]
    added: "NDArray[np.float32] | None" = None
    words: str = ""


def arrange(
    weights: Network, filters: Filters, order: str, picture: input_image.InputImage | None = None
) -> Arrangement:
    """Put filters into one of `ORDERS`; the last one needs a picture. Raises `ConvScopeError`."""
    if order == "strength":
        return Arrangement(filters.by_strength)
    if order != "contribution" or picture is None:
        return Arrangement(list(range(len(filters.weights))))
    target = int(inference.probabilities(weights, picture).argmax())
    read = readout_of(weights, filters.layer)
    added = _contributions(weights.mark, picture.digest, read, target, weights, picture)
    words = (
        f"First those that speak most for **“{class_name(weights, target)}”**, the network's answer to "
        f"{escape_markdown(picture.title)}; last those that speak most against it. Counted is what a filter's map, "
        f"{answers_words(filters.layer, read)}, adds to the score of that class: gradient × map, summed over the map, "
        f"here from {signed(added.max())} to {signed(added.min())}."
    )
    return Arrangement(np.argsort(-added, kind="stable").tolist(), added, words)


def signed(value: float) -> str:
    """Write a number with its sign: "+0.12"."""
    return ("+" if value > 0 else "") + number(float(value))


@st.cache_data(show_spinner=False, max_entries=128)
def _contributions(
    mark: tuple[Any, ...],
    digest: str,
    layer: str,
    target: int,
    _weights: Network,
    _picture: input_image.InputImage,
) -> "NDArray[np.float32]":
    from core.probe.units import contributions

    image = _weights.normalize(_picture.tensor())
    found: NDArray[np.float32] = contributions(_weights.model, image, layer, target).numpy()
    return found


@dataclass(frozen=True)
class Dead:
    """The dead filters of a convolution: by their weights, or because no training image changes their map.

    Attributes:
        filters: Their numbers.
        read: The layer at which their maps were looked at.
        images: Of how many training images; 0 if those could not be had, and only the weights were looked at.
    """

    filters: tuple[int, ...]
    read: str
    images: int

    def words(self, layer: str, count: int) -> str:
        """Say how many of `count` filters of a layer are hatched, and what that means."""
        found = len(self.filters)
        where = f"{self.images} training images ({answers_words(layer, self.read)})"
        if not found:
            return f"None is dead: the map of every filter changes over {where}." if self.images else ""
        are = f"{found} of {count} filters {'is' if found == 1 else 'are'}"
        if not self.images:
            return f"{are} hatched: practically zero, so nothing in a picture moves them."
        return (
            f"{are} hatched, that is dead: practically zero, or with the same number all over the maps of {where}. "
            "Nothing in a picture moves a dead filter, and with a ReLU behind it no gradient can wake it."
        )


def dead_of(weights: Network, filters: Filters) -> Dead:
    """Find the filters that nothing moves; where the training images cannot be had, the weights alone must tell."""
    read = readout_of(weights, filters.layer)
    with suppress(ConvScopeError):
        units, images = _unmoved(weights.mark, weights)
        return Dead(tuple(sorted({*filters.dead, *units[read]})), read, images)
    return Dead(filters.dead, read, 0)


@st.cache_data(show_spinner=False, max_entries=64)
def _unmoved(mark: tuple[Any, ...], _weights: Network) -> tuple[dict[str, set[int]], int]:
    """Return the units of every convolution, by where its answers are read, that no image moves, and of how many.

    All at once, so that a change of layer costs nothing; in parts, so that the maps of large networks fit.
    """
    from core.probe.activations import capture_activations
    from core.probe.kernels import filter_layers
    from core.probe.units import dead_units

    model, data = _weights.model, _weights.dataset()
    layers = list(dict.fromkeys(readout_layer(_weights.require_run().spec, layer) for layer in filter_layers(model)))
    images = data.normalize(data.train.images[:BATCH])
    stuck: dict[str, dict[int, float]] = {}
    for part in images.split(AT_ONCE):
        for layer, maps in capture_activations(model, part, layers).items():
            numbers = {unit: float(maps[0, unit].flatten()[0]) for unit in dead_units(maps)}
            known = stuck.setdefault(layer, numbers)
            stuck[layer] = {unit: number for unit, number in known.items() if numbers.get(unit) == number}
    return {layer: set(numbers) for layer, numbers in stuck.items()}, len(images)
