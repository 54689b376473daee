"""What networks make of pictures, kept for all sessions: a key is a run, an epoch, the age of the file, the pixels."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.inference.network import Network
from pages.shared.picture.input_image import InputImage

if TYPE_CHECKING:
    import numpy as np

    from core.explain.attribution import Attribution
    from core.reliability.features import LogitsAndFeatures


@st.cache_data(show_spinner=False, max_entries=256)
def _probabilities(
    cache_key: tuple[Any, ...], digest: str, _network: Network, _picture: InputImage
) -> "np.ndarray[Any, Any]":
    from core.inference.prediction import predict

    return predict(_network.model, _network.normalize(_picture.tensor())[None])[0].numpy()


def probabilities(network: Network, picture: InputImage) -> "np.ndarray[Any, Any]":
    """Return the probability of each class, (K,)."""
    return _probabilities(network.cache_key, picture.digest, network, picture)


def _capture(network: Network, picture: InputImage, layers: Sequence[str]) -> "dict[str, np.ndarray[Any, Any]]":
    from core.probe.activations import capture_activations

    captured = capture_activations(network.model, network.normalize(picture.tensor())[None], layers)
    return {layer: maps[0].numpy() for layer, maps in captured.items()}


@st.cache_data(show_spinner=False, max_entries=64)
def _activations(
    cache_key: tuple[Any, ...], layers: tuple[str, ...], digest: str, _network: Network, _picture: InputImage
) -> "dict[str, np.ndarray[Any, Any]]":
    return _capture(_network, _picture, layers)


@st.cache_data(show_spinner=False, max_entries=12)  # of 224 × 224 pixels some layers make 13 MB
def _large_activations(
    cache_key: tuple[Any, ...], layers: tuple[str, ...], digest: str, _network: Network, _picture: InputImage
) -> "dict[str, np.ndarray[Any, Any]]":
    return _capture(_network, _picture, layers)


def activations(network: Network, layers: Sequence[str], picture: InputImage) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what layers make of a picture, all of the same moment: each (C, H, W), or (K,) after flattening."""
    cached = _large_activations if network.pretrained is not None else _activations
    return cached(network.cache_key, tuple(layers), picture.digest, network, picture)


@st.cache_data(show_spinner=False, max_entries=12)
def _passage(
    cache_key: tuple[Any, ...], layer: str, digest: str, _network: Network, _picture: InputImage
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    from core.probe.activations import passage

    before, after = passage(_network.model, _network.normalize(_picture.tensor())[None], layer)
    return before[0].numpy(), after[0].numpy()


def passage(network: Network, layer: str, picture: InputImage) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return what goes into a layer for a picture and what comes out, each (C, H, W) or (K,)."""
    return _passage(network.cache_key, layer, picture.digest, network, picture)


@st.cache_data(show_spinner=False, max_entries=256)
def _logits(cache_key: tuple[Any, ...], digest: str, _network: Network, _picture: InputImage) -> "np.ndarray[Any, Any]":
    from core.inference.copies import shallow_copy_for_hooks
    from core.inference.prediction import scores

    return scores(shallow_copy_for_hooks(_network.model), _network.normalize(_picture.tensor())[None])[0].numpy()


def logits(network: Network, picture: InputImage) -> "np.ndarray[Any, Any]":
    """Return the score of each class, before softmax, (K,); raises `ExplainError` where they are not finite."""
    return _logits(network.cache_key, picture.digest, network, picture)


@st.cache_data(show_spinner=False, max_entries=64)
def _inside(cache_key: tuple[Any, ...], digest: str, _network: Network, _picture: InputImage) -> "LogitsAndFeatures":
    from core.reliability.features import extract_features

    return extract_features(_network.model, _picture.tensor()[None], _network.normalize)


def inside(network: Network, picture: InputImage) -> "LogitsAndFeatures":
    """Return the scores of a picture and what the last layer receives; raises `ExplainError` if they are no numbers."""
    return _inside(network.cache_key, picture.digest, network, picture)


@st.cache_data(show_spinner=False, max_entries=256)
def _attribution(
    cache_key: tuple[Any, ...],
    digest: str,
    target: int,
    versus: int | None,
    method: str,
    options: tuple[Any, ...],
    _network: Network,
    _picture: InputImage,
    _progress: "Callable[[int, int], None] | None",
) -> "Attribution":
    import torch

    from core.explain.attribution import attribute

    scores = torch.from_numpy(logits(_network, _picture))
    words: dict[str, Any] = {
        "versus": versus,
        "background": _network.background,
        "logits": scores,
        "progress": _progress,
    }
    return attribute(_network.model, _network.normalize(_picture.tensor()), target, method, **words, **dict(options))


def attribution(
    network: Network,
    picture: InputImage,
    target: int,
    method: str,
    *,
    versus: int | None = None,
    progress: "Callable[[int, int], None] | None" = None,
    **options: Any,
) -> "Attribution":
    """Explain one class of a picture, or why that one and not another, by one method of `core.explain.METHODS`.

    Raises `ExplainError`; see `core.explain.attribute`.
    """
    chosen = tuple(sorted(options.items()))
    key = (network.cache_key, picture.digest, target, versus, method, chosen)
    return _attribution(*key, network, picture, progress)
