"""In which order the filters of a convolution stand, and which of them are dead."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.formatting import number
from core.inference.network import Network
from core.probe.filter_bank import Filters
from core.probe.network_layers import readout_of
from pages.shared.display.class_bars import class_name
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.probe.dead_filters import DeadFilters

ORDERS = {"number": "By number", "strength": "Strongest first", "contribution": "Most for the answer"}


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
    network: Network, filters: Filters, order: str, picture: input_image.InputImage | None = None
) -> Arrangement:
    """Put filters into one of `ORDERS`; the last one needs a picture. Raises `ConvScopeError`."""
    if order == "strength":
        return Arrangement(filters.by_strength)
    if order != "contribution" or picture is None:
        return Arrangement(list(range(len(filters.weights))))
    from core.probe.dead_filters import readout_words

    target = int(inference.probabilities(network, picture).argmax())
    readout = readout_of(network, filters.layer)
    added = _contributions(network.cache_key, picture.digest, readout, target, network, picture)
    words = (
        f"First those that speak most for **“{class_name(network, target)}”**, the network's answer to "
        f"{escape_markdown(picture.title)}; last those that speak most against it. Counted is what a filter's map, "
        f"{readout_words(filters.layer, readout)}, adds to the score of that class: gradient × map, summed over the "
        f"map, here from {signed(added.max())} to {signed(added.min())}."
    )
    return Arrangement(np.argsort(-added, kind="stable").tolist(), added, words)


def signed(value: float) -> str:
    """Write a number with its sign: "+0.12"."""
    return ("+" if value > 0 else "") + number(float(value))


@st.cache_data(show_spinner=False, max_entries=128)
def _contributions(
    cache_key: tuple[Any, ...],
    digest: str,
    layer: str,
    target: int,
    _network: Network,
    _picture: input_image.InputImage,
) -> "NDArray[np.float32]":
    from core.probe.units import contributions

    image = _network.normalize(_picture.tensor())
    scores: NDArray[np.float32] = contributions(_network.model, image, layer, target).numpy()
    return scores


def dead_of(network: Network, filters: Filters) -> "DeadFilters":
    """Return the dead filters of a convolution; by weights alone where the training images cannot be had."""
    from core.probe.dead_filters import DeadFilters

    readout = readout_of(network, filters.layer)
    with suppress(ConvScopeError):
        units, images = _unmoved(network.cache_key, network)
        return DeadFilters(tuple(sorted({*filters.dead, *units[readout]})), readout, images)
    return DeadFilters(filters.dead, readout, 0)


@st.cache_data(show_spinner=False, max_entries=64)
def _unmoved(cache_key: tuple[Any, ...], _network: Network) -> tuple[dict[str, set[int]], int]:
    """Return `unmoved_units` of the network, for all layers, so that a change of layer costs nothing."""
    from core.probe.dead_filters import unmoved_units

    return unmoved_units(_network)
