"""The gradients of a mini-batch at weights of a network, kept for all sessions."""

from typing import Any

import streamlit as st

from core.inference.network import Network
from core.workbench.batch_gradients import Batch, LayerWeights, Place, batch_gradients, gradient_at


def layer_weights(network: Network, layer: str, batch: Batch) -> LayerWeights:
    """Return all weights of a layer with their gradients; raises `ConvScopeError`."""
    return _layer(network.cache_key, layer, batch, network)


def moved(network: Network, layer: str, place: Place, value: float, batch: Batch) -> tuple[float, float]:
    """Return dL/d weight and L where this one weight has another value and all others stay; see `layer_weights`."""
    return _moved(network.cache_key, layer, place, value, batch, network)


@st.cache_data(show_spinner=False, max_entries=6)
def _layer(cache_key: tuple[Any, ...], layer: str, batch: Batch, _network: Network) -> LayerWeights:
    return batch_gradients(_network, layer, batch)


@st.cache_data(show_spinner=False, max_entries=1024)
def _moved(
    cache_key: tuple[Any, ...], layer: str, place: Place, value: float, batch: Batch, _network: Network
) -> tuple[float, float]:
    return gradient_at(_network, layer, place, value, batch)
