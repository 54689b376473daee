"""What networks make of pictures, kept for all sessions: a key is a run, the age of its weights, and the pixels."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

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


def stamp(run_id: str) -> int:
    """Return a number that changes whenever the latest weights of a run do; 0 while there are none."""
    path = store().checkpoint(run_id)
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(run_id: str, epoch: int | None, stamp: int) -> "nn.Sequential":
    return store().load_model(run_id, epoch)


def model(run: Run) -> "nn.Sequential":
    """Return the network of a run with its latest weights, in evaluation mode: to be read, never changed."""
    mark = stamp(run.id)
    if not mark and run.status.active and store().checkpoint(run.id, 0).exists():
        return untrained(run)
    return _model(run.id, None, mark)


def untrained(run: Run) -> "nn.Sequential":
    """Return the network of a run as it was before the first step: to be read, never changed."""
    return _model(run.id, 0, 0)


def tensor(run: Run, picture: Picture) -> Any:
    """Return a picture as the network of a run receives it: normalised, (1, C, H, W)."""
    import torch

    images = torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(1, *picture.shape)
    return dataset(run.dataset).normalize(images)


@st.cache_data(show_spinner=False, max_entries=256)
def _probabilities(run_id: str, stamp: int, digest: str, _run: Run, _picture: Picture) -> "np.ndarray[Any, Any]":
    from core.explain.prediction import predict

    return predict(model(_run), tensor(_run, _picture))[0].numpy()


def probabilities(run: Run, picture: Picture) -> "np.ndarray[Any, Any]":
    """Return the probability of each class, (K,)."""
    return _probabilities(run.id, stamp(run.id), picture.digest, run, picture)


@st.cache_data(show_spinner=False, max_entries=32)
def _activations(
    run_id: str, stamp: int, layers: tuple[str, ...], digest: str, _run: Run, _picture: Picture
) -> "dict[str, np.ndarray[Any, Any]]":
    from core.probe.activations import capture_activations

    captured = capture_activations(model(_run), tensor(_run, _picture), layers)
    return {layer: maps[0].numpy() for layer, maps in captured.items()}


def activations(run: Run, layers: Sequence[str], picture: Picture) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what layers make of a picture, all of the same moment: each (C, H, W), or (K,) after flattening."""
    return _activations(run.id, stamp(run.id), tuple(layers), picture.digest, run, picture)


@st.cache_data(show_spinner=False, max_entries=128)
def _attribution(
    run_id: str,
    stamp: int,
    digest: str,
    target: int,
    method: str,
    options: tuple[Any, ...],
    _run: Run,
    _picture: Picture,
) -> "Attribution":
    from core.explain.attribution import attribute

    return attribute(model(_run), tensor(_run, _picture)[0], target, method, **dict(options))


def attribution(run: Run, picture: Picture, target: int, method: str, **options: Any) -> "Attribution":
    """Explain one class of a picture by one method of `core.explain.METHODS`; raises `ExplainError`."""
    chosen = tuple(sorted(options.items()))
    return _attribution(run.id, stamp(run.id), picture.digest, target, method, chosen, run, picture)
