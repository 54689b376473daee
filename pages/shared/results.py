"""What networks make of pictures, kept for all sessions: a key is a run, an epoch, the age of the file, the pixels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import RunError
from core.runs.records import Run
from pages.shared.state import dataset, store

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from core.explain.attribution import Attribution


@dataclass(frozen=True)
class Picture:
    """A picture as a network receives it.

    Attributes:
        title: Where it comes from, in words; may hold what a user wrote.
        shape: (C, H, W).
        pixels: The uint8 values in that order.
        label: Its true class, if known.
    """

    title: str
    shape: tuple[int, int, int]
    pixels: bytes
    label: int | None = None

    @property
    def digest(self) -> str:
        """A name for these very pixels, for caches."""
        return hashlib.blake2b(repr(self.shape).encode() + self.pixels, digest_size=12).hexdigest()

    def array(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (H, W, 3) uint8, to show."""
        import numpy as np

        pixels = np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.shape).transpose(1, 2, 0)
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if self.shape[0] == 1 else pixels


@dataclass(frozen=True)
class Weights:
    """The weights of a run at one moment: whatever is asked of a network is asked of these.

    Attributes:
        run: The run.
        epoch: After which epoch, 0 for before the first step; None for the latest weights there are.
    """

    run: Run
    epoch: int | None = None

    @property
    def moment(self) -> str:
        """The moment in words: "latest", "epoch 3", "epoch 0, untrained"."""
        if self.epoch is None:
            return "latest"
        return f"epoch {self.epoch}" if self.epoch else "epoch 0, untrained"

    @property
    def mark(self) -> tuple[str, int | None, int]:
        """A key for caches, another one whenever the weights are.

        A training that has just begun has no latest weights yet: then those of epoch 0 are.
        """
        run_id, epoch = self.run.id, self.epoch
        if epoch is None and self.run.status.active and not store().checkpoint(run_id).exists():
            epoch = 0 if store().checkpoint(run_id, 0).exists() else None
        path = store().checkpoint(run_id, epoch)
        return run_id, epoch, path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(run_id: str, epoch: int | None, stamp: int) -> "nn.Sequential":
    return store().load_model(run_id, epoch)


def model(weights: Weights) -> "nn.Sequential":
    """Return a network with these weights, in evaluation mode: to be read, never changed."""
    return _model(*weights.mark)


def tensor(run: Run, picture: Picture) -> Any:
    """Return a picture as the network of a run receives it: normalised as in its training, (1, C, H, W).

    Raises:
        RunError: The network looks at pictures of another shape.
    """
    import torch

    if picture.shape != run.spec.input_shape:
        sizes = [" × ".join(map(str, shape)) for shape in (run.spec.input_shape, picture.shape)]
        raise RunError(f"This network looks at pictures of {sizes[0]}, not of {sizes[1]}: choose another one.")

    images = torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(1, *picture.shape)
    return dataset(run.dataset).scaled(run.config.get("inputs", "standard")).normalize(images)


@st.cache_data(show_spinner=False, max_entries=256)
def _probabilities(mark: tuple[Any, ...], digest: str, _weights: Weights, _picture: Picture) -> "np.ndarray[Any, Any]":
    from core.explain.prediction import predict

    return predict(model(_weights), tensor(_weights.run, _picture))[0].numpy()


def probabilities(weights: Weights, picture: Picture) -> "np.ndarray[Any, Any]":
    """Return the probability of each class, (K,)."""
    return _probabilities(weights.mark, picture.digest, weights, picture)


@st.cache_data(show_spinner=False, max_entries=64)
def _activations(
    mark: tuple[Any, ...], layers: tuple[str, ...], digest: str, _weights: Weights, _picture: Picture
) -> "dict[str, np.ndarray[Any, Any]]":
    from core.probe.activations import capture_activations

    captured = capture_activations(model(_weights), tensor(_weights.run, _picture), layers)
    return {layer: maps[0].numpy() for layer, maps in captured.items()}


def activations(weights: Weights, layers: Sequence[str], picture: Picture) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what layers make of a picture, all of the same moment: each (C, H, W), or (K,) after flattening."""
    return _activations(weights.mark, tuple(layers), picture.digest, weights, picture)


@st.cache_data(show_spinner=False, max_entries=128)
def _attribution(
    mark: tuple[Any, ...],
    digest: str,
    target: int,
    method: str,
    options: tuple[Any, ...],
    _weights: Weights,
    _picture: Picture,
) -> "Attribution":
    from core.explain.attribution import attribute

    return attribute(model(_weights), tensor(_weights.run, _picture)[0], target, method, **dict(options))


def attribution(weights: Weights, picture: Picture, target: int, method: str, **options: Any) -> "Attribution":
    """Explain one class of a picture by one method of `core.explain.METHODS`; raises `ExplainError`."""
    chosen = tuple(sorted(options.items()))
    return _attribution(weights.mark, picture.digest, target, method, chosen, weights, picture)
