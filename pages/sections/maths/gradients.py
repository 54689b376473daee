"""The gradients of a mini-batch at weights of a network, kept for all sessions."""

from typing import Any

import streamlit as st

from core.inference.network import Network
from core.workbench.batch_gradients import Batch, LayerWeights, Place, batch_gradients, gradient_at


def layer_weights(weights: Network, layer: str, batch: Batch) -> LayerWeights:
    """Return all weights of a layer with their gradients; raises `ConvScopeError`."""
    return _layer(weights.mark, layer, batch, weights)


def moved(weights: Network, layer: str, place: Place, value: float, batch: Batch) -> tuple[float, float]:
    """Return dL/d weight and L where this one weight has another value and all others stay; see `layer_weights`."""
    return _moved(weights.mark, layer, place, value, batch, weights)


@st.cache_data(show_spinner=False, max_entries=6)
def _layer(mark: tuple[Any, ...], layer: str, batch: Batch, _weights: Network) -> LayerWeights:
    return batch_gradients(_weights, layer, batch)


@st.cache_data(show_spinner=False, max_entries=1024)
def _moved(
    mark: tuple[Any, ...], layer: str, place: Place, value: float, batch: Batch, _weights: Network
) -> tuple[float, float]:
    return gradient_at(_weights, layer, place, value, batch)
