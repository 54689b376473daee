"""What networks make of pictures, kept for all sessions: a key is a run, an epoch, the age of the file, the pixels."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.data.catalog import described
from core.errors import RunError
from core.runs.records import Run
from pages.shared.pretrained import Pretrained
from pages.shared.state import dataset, scale, store

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from core.explain.attribution import Attribution
    from core.reading.inside import Inside


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

    def raw(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (C, H, W) uint8."""
        import numpy as np

        return np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.shape)

    def array(self) -> "np.ndarray[Any, Any]":
        """Return the pixels as (H, W, 3) uint8, to show."""
        import numpy as np

        pixels = self.raw().transpose(1, 2, 0)
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
        """The moment in words: "latest", "epoch 3", "epoch 0, untrained", "pretrained"."""
        if isinstance(self.run, Pretrained):
            return "pretrained"
        if self.epoch is None:
            return "latest"
        return f"epoch {self.epoch}" if self.epoch else "epoch 0, untrained"

    @property
    def mark(self) -> tuple[str, int | None, int]:
        """A key for caches, another one whenever the weights are.

        A training that has just begun has no latest weights yet: then those of epoch 0 are.
        """
        run_id, epoch = self.run.id, self.epoch
        if isinstance(self.run, Pretrained):
            return run_id, None, 0
        if epoch is None and self.run.status.active and not store().checkpoint(run_id).exists():
            epoch = 0 if store().checkpoint(run_id, 0).exists() else None
        path = store().checkpoint(run_id, epoch)
        return run_id, epoch, path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(run_id: str, epoch: int | None, stamp: int) -> "nn.Sequential":
    return store().load_model(run_id, epoch)


@st.cache_resource(show_spinner=False, max_entries=3)
def _pretrained(name: str) -> "nn.Module":
    from core.model.zoo_weights import load_pretrained

    return load_pretrained(name)


def model(weights: Weights) -> Any:
    """Return a network with these weights, in evaluation mode: to be read, never changed.

    That of a run is an `nn.Sequential`; a pretrained one is some other module.

    Raises:
        ConvScopeError: Its weights are damaged, or not here: nothing is downloaded unasked.
    """
    if not isinstance(weights.run, Pretrained):
        return _model(*weights.mark)
    if not weights.run.info.is_here:
        raise RunError(f"The weights of {weights.run.name} are not on this computer yet: download them first.")
    return _pretrained(weights.run.info.name)


def epochs(run: Run) -> tuple[int, ...]:
    """Return the epochs whose weights are kept, in order; none of a pretrained network."""
    return () if isinstance(run, Pretrained) else store().epochs(run.id)


def class_names(run: Run) -> tuple[str, ...]:
    """Return the names of the classes that a network knows; they may hold what a user wrote."""
    return run.info.class_names if isinstance(run, Pretrained) else described(run.dataset).class_names


def tensor(run: Run, picture: Picture) -> Any:
    """Return a picture as a network receives it: normalised as in its training, (1, C, H, W).

    Raises:
        RunError: The network looks at pictures of another shape.
    """
    import torch

    if picture.shape != run.spec.input_shape:
        sizes = [" × ".join(map(str, shape)) for shape in (run.spec.input_shape, picture.shape)]
        raise RunError(f"This network looks at pictures of {sizes[0]}, not of {sizes[1]}: choose another one.")

    images = torch.frombuffer(bytearray(picture.pixels), dtype=torch.uint8).reshape(1, *picture.shape)
    if isinstance(run, Pretrained):
        mean, std = (torch.tensor(values)[:, None, None] for values in (run.info.mean, run.info.std))
        return (images / 255 - mean) / std
    return scale(run.dataset).scaled(run.config.get("inputs", "standard")).normalize(images)


@st.cache_data(show_spinner=False, max_entries=256)
def _probabilities(mark: tuple[Any, ...], digest: str, _weights: Weights, _picture: Picture) -> "np.ndarray[Any, Any]":
    from core.explain.prediction import predict

    return predict(model(_weights), tensor(_weights.run, _picture))[0].numpy()


def probabilities(weights: Weights, picture: Picture) -> "np.ndarray[Any, Any]":
    """Return the probability of each class, (K,)."""
    return _probabilities(weights.mark, picture.digest, weights, picture)


def _capture(weights: Weights, picture: Picture, layers: Sequence[str]) -> "dict[str, np.ndarray[Any, Any]]":
    from core.probe.activations import capture_activations

    captured = capture_activations(model(weights), tensor(weights.run, picture), layers)
    return {layer: maps[0].numpy() for layer, maps in captured.items()}


@st.cache_data(show_spinner=False, max_entries=64)
def _activations(
    mark: tuple[Any, ...], layers: tuple[str, ...], digest: str, _weights: Weights, _picture: Picture
) -> "dict[str, np.ndarray[Any, Any]]":
    return _capture(_weights, _picture, layers)


@st.cache_data(show_spinner=False, max_entries=12)  # of 224 × 224 pixels some layers make 13 MB
def _large_activations(
    mark: tuple[Any, ...], layers: tuple[str, ...], digest: str, _weights: Weights, _picture: Picture
) -> "dict[str, np.ndarray[Any, Any]]":
    return _capture(_weights, _picture, layers)


def activations(weights: Weights, layers: Sequence[str], picture: Picture) -> "dict[str, np.ndarray[Any, Any]]":
    """Return what layers make of a picture, all of the same moment: each (C, H, W), or (K,) after flattening."""
    kept = _large_activations if isinstance(weights.run, Pretrained) else _activations
    return kept(weights.mark, tuple(layers), picture.digest, weights, picture)


@st.cache_data(show_spinner=False, max_entries=12)
def _passage(
    mark: tuple[Any, ...], layer: str, digest: str, _weights: Weights, _picture: Picture
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    from core.probe.activations import passage

    before, after = passage(model(_weights), tensor(_weights.run, _picture), layer)
    return before[0].numpy(), after[0].numpy()


def passage(weights: Weights, layer: str, picture: Picture) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return what goes into a layer for a picture and what comes out, each (C, H, W) or (K,)."""
    return _passage(weights.mark, layer, picture.digest, weights, picture)


@st.cache_data(show_spinner=False, max_entries=256)
def _logits(mark: tuple[Any, ...], digest: str, _weights: Weights, _picture: Picture) -> "np.ndarray[Any, Any]":
    from core.explain.prediction import scores
    from core.model.twin import twin_of

    return scores(twin_of(model(_weights)), tensor(_weights.run, _picture))[0].numpy()


def logits(weights: Weights, picture: Picture) -> "np.ndarray[Any, Any]":
    """Return the score of each class, before softmax, (K,); raises `ExplainError` where they are not finite."""
    return _logits(weights.mark, picture.digest, weights, picture)


@st.cache_data(show_spinner=False, max_entries=64)
def _inside(mark: tuple[Any, ...], digest: str, _weights: Weights, _picture: Picture) -> "Inside":
    import torch

    from core.reading.inside import look_inside

    pixels = torch.frombuffer(bytearray(_picture.pixels), dtype=torch.uint8).reshape(1, *_picture.shape)
    return look_inside(model(_weights), pixels, lambda _: tensor(_weights.run, _picture))


def inside(weights: Weights, picture: Picture) -> "Inside":
    """Return the scores of a picture and what the last layer receives; raises `ExplainError` if they are no numbers."""
    return _inside(weights.mark, picture.digest, weights, picture)


@st.cache_resource(show_spinner=False, max_entries=8)
def background(run: Run) -> Any:
    """Return normalised pictures that a network has not learned from, (32, C, H, W), for what starts from others.

    None for a pretrained network, whose data set is not here.
    """
    if isinstance(run, Pretrained):
        return None
    data = dataset(run.dataset).scaled(run.config.get("inputs", "standard"))
    return data.normalize(data.valid.images[:32])


@st.cache_data(show_spinner=False, max_entries=256)
def _attribution(
    mark: tuple[Any, ...],
    digest: str,
    target: int,
    versus: int | None,
    method: str,
    options: tuple[Any, ...],
    _weights: Weights,
    _picture: Picture,
    _progress: "Callable[[int, int], None] | None",
) -> "Attribution":
    import torch

    from core.explain.attribution import attribute

    known = torch.from_numpy(logits(_weights, _picture))
    words = {"versus": versus, "background": background(_weights.run), "logits": known, "progress": _progress}
    return attribute(model(_weights), tensor(_weights.run, _picture)[0], target, method, **words, **dict(options))


def attribution(
    weights: Weights,
    picture: Picture,
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
    key = (weights.mark, picture.digest, target, versus, method, chosen)
    return _attribution(*key, weights, picture, progress)


@st.cache_resource(show_spinner=False, max_entries=16)
def _pass_seconds(mark: tuple[Any, ...], _weights: Weights) -> float:
    from time import perf_counter

    import torch

    from core.model.twin import twin_of

    twin, image, found = twin_of(model(_weights)), torch.zeros(1, *_weights.run.spec.input_shape), list[float]()
    with torch.no_grad():
        for _ in range(4):  # the first one warms up
            start = perf_counter()
            twin(image)
            found.append(perf_counter() - start)
    return min(found[1:])


def pass_seconds(weights: Weights) -> float:
    """Return how long one pass of one picture through a network takes here: measured once."""
    return _pass_seconds((weights.mark[0],), weights)
