"""What an edited copy of a network makes of a picture, kept as `results` keeps what the network itself does."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import networks, subjects

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from core.explain.attribution import Attribution
    from core.probe.surgery import Edit


def patient(weights: subjects.Weights, edits: "Sequence[Edit]") -> "nn.Sequential":
    """Return the edited copy of a network, to be read, never changed; raises `ConvScopeError`."""
    return _patient(weights.mark, _stamp(edits), weights, tuple(edits))


def _stamp(edits: "Sequence[Edit]") -> str:
    """Return a key of edits: Streamlit's own would not tell apart two kinds with the same numbers."""
    return hashlib.blake2b(repr(tuple(edits)).encode(), digest_size=12).hexdigest()


@st.cache_resource(show_spinner=False, max_entries=8)
def _patient(mark: Any, stamp: str, _weights: subjects.Weights, _edits: "tuple[Edit, ...]") -> "nn.Sequential":
    from core.probe.surgery import operate

    return operate(networks.model(_weights), _edits, share=True)


@st.cache_data(show_spinner=False, max_entries=64)
def _probabilities(mark: Any, stamp: str, digest: str, _copy: "Copy") -> "np.ndarray":
    from core.explain.prediction import predict

    found: np.ndarray = predict(_copy.model(), _copy.image())[0].numpy()
    return found


@st.cache_data(show_spinner=False, max_entries=64)
def _attribution(mark: Any, stamp: str, digest: str, target: int, method: str, _copy: "Copy") -> "Attribution":
    from core.explain.attribution import attribute

    return attribute(_copy.model(), _copy.image()[0], target, method)


@st.cache_data(show_spinner=False, max_entries=32)
def _activations(mark: Any, stamp: str, digest: str, layer: str, _copy: "Copy") -> "np.ndarray":
    from core.probe.activations import capture_activations

    found: np.ndarray = capture_activations(_copy.model(), _copy.image(), [layer])[layer][0].numpy()
    return found


@dataclass(frozen=True)
class Copy:
    """An edited copy of a network, and the picture that it looks at.

    Attributes:
        weights: The network as it is.
        edits: What is done to the copy.
        picture: The picture.
    """

    weights: subjects.Weights
    edits: "tuple[Edit, ...]"
    picture: subjects.Picture

    def model(self) -> "nn.Sequential":
        """Return the copy."""
        return patient(self.weights, self.edits)

    def image(self) -> Any:
        """Return the picture as the network receives it, (1, C, H, W)."""
        return networks.tensor(self.weights.run, self.picture)

    def probabilities(self) -> "np.ndarray":
        """Return the probability of each class, (K,); raises `ConvScopeError`."""
        return _probabilities(self.weights.mark, _stamp(self.edits), self.picture.digest, self)

    def attribution(self, target: int, method: str) -> "Attribution":
        """Explain one class by one method of `core.explain.METHODS`; raises `ExplainError`."""
        return _attribution(self.weights.mark, _stamp(self.edits), self.picture.digest, target, method, self)

    def activations(self, layer: str) -> "np.ndarray":
        """Return what a layer makes of the picture, (C, H, W) or (K,)."""
        return _activations(self.weights.mark, _stamp(self.edits), self.picture.digest, layer, self)
