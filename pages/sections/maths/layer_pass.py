"""One layer of a network with one picture in front of it: its numbers, and those that autograd finds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import RunError
from core.inference.network import Network
from pages.shared.display.class_bars import class_name
from pages.shared.network import inference
from pages.shared.picture import input_image

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.probe.autograd_reference import LayerPass

MOST_PARAMETERS = 70  # millions: in double precision they take eight times as many MB
BATCH = 16  # pictures where a layer looks at a whole batch: the chosen one first, then training images


@dataclass(frozen=True, eq=False)
class Scene:
    """A layer and what happens at it.

    Attributes:
        weights: The network.
        layer: Name of the layer.
        module: The layer itself.
        picture: What the network looks at.
        label: The class that the loss is measured against.
        found: The pass through this layer; its first image is the picture.
        training: Whether the layer works as in training.
        panel: Where the view puts what it asks and says.
    """

    weights: Network
    layer: str
    module: Any
    picture: input_image.InputImage
    label: int
    found: "LayerPass"
    training: bool
    panel: "DeltaGenerator"

    @property
    def key(self) -> str:
        """A name for widgets: another layer or run forgets what was chosen."""
        return f"{self.weights.id}_{self.layer}".replace(".", "_")

    @property
    def words(self) -> str:
        """Say what the network and its loss look at, for a screen reader."""
        return f"{self.layer} of {self.weights.name}, looking at {self.picture.title}"


def scene(weights: Network, layer: str, picture: input_image.InputImage, *, training: bool, loss: str) -> Scene:
    """Run a picture forward and backward; `loss` is a key of `core.train.choices.LOSSES`.

    Its panel is put where the script stands.
    """
    label = picture.label
    if label is None:
        label = int(inference.probabilities(weights, picture).argmax())
    if weights.pretrained is not None:
        if weights.pretrained.parameters > MOST_PARAMETERS:
            raise RunError(
                f"{weights.name} has {weights.pretrained.parameters:g} million weights, too many to follow in double "
                "precision here: choose a smaller network."
            )
        kept = _large_pass
    else:
        kept = _pass
    found = kept(weights.mark, layer, picture.digest, label, training, loss, weights, picture)
    module = weights.model.get_submodule(layer)
    return Scene(weights, layer, module, picture, label, found, training, st.container())


@st.cache_resource(show_spinner=False, max_entries=8)
def _pass(
    mark: tuple[Any, ...],
    layer: str,
    digest: str,
    label: int,
    training: bool,
    loss: str,
    _weights: Network,
    _picture: input_image.InputImage,
) -> "LayerPass":
    return _layer_pass(layer, label, training, loss, _weights, _picture)


@st.cache_resource(show_spinner=False, max_entries=2)  # of 224 × 224 pixels one takes up to 40 MB
def _large_pass(
    mark: tuple[Any, ...],
    layer: str,
    digest: str,
    label: int,
    training: bool,
    loss: str,
    _weights: Network,
    _picture: input_image.InputImage,
) -> "LayerPass":
    return _layer_pass(layer, label, training, loss, _weights, _picture)


def _layer_pass(
    layer: str, label: int, training: bool, loss: str, weights: Network, picture: input_image.InputImage
) -> "LayerPass":
    import torch

    from core.probe.autograd_reference import layer_pass
    from core.train.config import TrainConfig
    from core.train.losses import make_measure

    images, labels = weights.normalize(picture.tensor())[None], torch.tensor([label])
    if training:
        data = weights.dataset()
        images = torch.cat([images, data.normalize(data.train.images[: BATCH - 1])])
        labels = torch.cat([labels, data.train.labels[: BATCH - 1]])
    measure = make_measure(TrainConfig(loss=loss))
    return layer_pass(weights.model, layer, images, labels, measure, training=training)


def describe_pass(now: Scene, loss: str) -> str:
    """Say what L is, with its value."""
    known = "its class" if now.picture.label is not None else "the likeliest class"
    batch = f" Mean of a batch of {len(now.found.inputs)}: this picture and training images." if now.training else ""
    name = class_name(now.weights, now.label)
    return f"L is the {loss} against **{name}**, {known}: {now.found.loss:.4g}.{batch}"


LARGEST, ROOM = 40, 16  # rows or columns that are shown whole, and of a part of larger maps
MOST_CELLS = 80_000  # of all channels together
Cut = tuple[slice, slice]


def cut_of(outputs: np.ndarray) -> Cut:
    """Return which rows and columns of a map (H, W) are shown: all, or those around its strongest number."""
    if outputs.ndim != 2 or max(outputs.shape) <= LARGEST:
        return slice(None), slice(None)
    place = np.unravel_index(int(np.nan_to_num(np.abs(outputs)).argmax()), outputs.shape)
    rows, columns = (_around(int(at), side) for at, side in zip(place, outputs.shape, strict=True))
    return rows, columns


def part_to_show(now: Scene, outputs: np.ndarray) -> Cut:
    """Return which rows and columns of a map are shown, and say so where that is not all of them."""
    part = cut_of(outputs)
    if part[0] != slice(None):
        now.panel.caption(_words(part, outputs.shape) + ".")
    return part


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a map under a sliding window, with all of the input that it is made of.

    Attributes:
        image: That part of the input, (C, h, w).
        upstream: dL/d output of the part.
        padding: Of the border, what the part's windows touch: top, left, bottom, right.
        outputs: Rows and columns of the whole output map.
        whole: Whether it is all of it.
    """

    image: np.ndarray
    upstream: np.ndarray
    padding: tuple[int, int, int, int]
    outputs: Cut
    whole: bool


def piece_of(
    now: Scene,
    image: np.ndarray,
    outputs: np.ndarray,
    upstream: np.ndarray,
    *,
    span: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    origin: int = 0,
) -> Piece:
    """Return what is shown of one output map (H', W') of a window that slides over maps (C, H, W).

    Args:
        now: The scene; where only a part is shown, its panel says so.
        image: The input.
        outputs: The output map.
        upstream: dL/d output, shaped like it.
        span: Rows and columns that a window reaches across.
        stride: From window to window.
        padding: Border of the input: top, left, bottom, right.
        origin: The row and column of the whole output map at which this one begins.
    """
    if max(*image.shape[1:], *outputs.shape) <= LARGEST and image.size <= MOST_CELLS:
        return Piece(image, upstream, padding, (slice(None), slice(None)), whole=True)
    place = np.unravel_index(int(np.nan_to_num(np.abs(outputs)).argmax()), outputs.shape)
    sides = [
        (_around(int(at), side, max(4, ROOM // stride[axis])) if side > ROOM // stride[axis] else slice(0, side))
        for axis, (at, side) in enumerate(zip(place, outputs.shape, strict=True))
    ]
    if [part.stop - part.start for part in sides] == list(outputs.shape):
        return Piece(image, upstream, padding, (slice(None), slice(None)), whole=True)
    begins = [part.start * stride[axis] - padding[axis] for axis, part in enumerate(sides)]
    ends = [(part.stop - 1) * stride[axis] - padding[axis] + span[axis] for axis, part in enumerate(sides)]
    cut = tuple(slice(max(0, begin), end) for begin, end in zip(begins, ends, strict=True))
    beyond = [max(0, end - side) for end, side in zip(ends, image.shape[1:], strict=True)]
    border = (max(0, -begins[0]), max(0, -begins[1]), beyond[0], beyond[1])
    outputs_cut = (sides[0], sides[1])
    named = (_moved(sides[0], origin), _moved(sides[1], origin))
    whole = (outputs.shape[0] + 2 * origin, outputs.shape[1] + 2 * origin)
    now.panel.caption(f"{_words(named, whole)}; the gradients of weights are those of this part alone.")
    return Piece(image[:, cut[0], cut[1]], upstream[outputs_cut], border, outputs_cut, whole=False)


def _around(at: int, side: int, room: int = ROOM) -> slice:
    start = min(max(0, at - room // 2), side - room)
    return slice(start, start + room)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _words(part: Cut, shape: tuple[int, ...]) -> str:
    rows, columns = part
    return (
        f"Shown is the part around the strongest number, rows {rows.start} to {rows.stop - 1} and columns "
        f"{columns.start} to {columns.stop - 1} of the output's {shape[0]} × {shape[1]}"
    )
