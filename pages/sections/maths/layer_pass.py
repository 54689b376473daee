"""One layer of a network with one picture in front of it: its numbers, and those that autograd finds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import RunError
from core.inference.network import Network
from core.train.config import TrainConfig
from core.workbench.map_part import Cut, Piece, cut_of, part_words, piece_of
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
        network: The network.
        layer: Name of the layer.
        module: The layer itself.
        picture: What the network looks at.
        label: The class that the loss is measured against.
        found: The pass through this layer; its first image is the picture.
        training: Whether the layer works as in training.
        panel: Where the view puts what it asks and says.
    """

    network: Network
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
        return f"{self.network.id}_{self.layer}".replace(".", "_")

    @property
    def words(self) -> str:
        """Say what the network and its loss look at, for a screen reader."""
        return f"{self.layer} of {self.network.name}, looking at {self.picture.title}"


def scene(network: Network, layer: str, picture: input_image.InputImage, *, training: bool, loss: str) -> Scene:
    """Run a picture forward and backward; `loss` is a key of `core.train.choices.LOSSES`.

    Its panel is put where the script stands.
    """
    label = picture.label
    if label is None:
        label = int(inference.probabilities(network, picture).argmax())
    if network.pretrained is not None:
        if network.pretrained.parameters > MOST_PARAMETERS:
            raise RunError(
                f"{network.name} has {network.pretrained.parameters:g} million weights, too many to follow in double "
                "precision here: choose a smaller network."
            )
        cached_pass = _large_pass
    else:
        cached_pass = _pass
    result = cached_pass(network.cache_key, layer, picture.digest, label, training, loss, network, picture)
    module = network.model.get_submodule(layer)
    return Scene(network, layer, module, picture, label, result, training, st.container())


@st.cache_resource(show_spinner=False, max_entries=8)
def _pass(
    cache_key: tuple[Any, ...],
    layer: str,
    digest: str,
    label: int,
    training: bool,
    loss: str,
    _network: Network,
    _picture: input_image.InputImage,
) -> "LayerPass":
    return _layer_pass(layer, label, training, loss, _network, _picture)


@st.cache_resource(show_spinner=False, max_entries=2)  # of 224 × 224 pixels one takes up to 40 MB
def _large_pass(
    cache_key: tuple[Any, ...],
    layer: str,
    digest: str,
    label: int,
    training: bool,
    loss: str,
    _network: Network,
    _picture: input_image.InputImage,
) -> "LayerPass":
    return _layer_pass(layer, label, training, loss, _network, _picture)


def _layer_pass(
    layer: str, label: int, training: bool, loss: str, network: Network, picture: input_image.InputImage
) -> "LayerPass":
    import torch

    from core.probe.autograd_reference import layer_pass
    from core.train.losses import make_measure

    images, labels = network.normalize(picture.tensor())[None], torch.tensor([label])
    if training:
        data = network.dataset()
        images = torch.cat([images, data.normalize(data.train.images[: BATCH - 1])])
        labels = torch.cat([labels, data.train.labels[: BATCH - 1]])
    measure = make_measure(TrainConfig(loss=loss))
    return layer_pass(network.model, layer, images, labels, measure, training=training)


def describe_pass(now: Scene, loss: str) -> str:
    """Say what L is, with its value."""
    which_class = "its class" if now.picture.label is not None else "the likeliest class"
    batch = f" Mean of a batch of {len(now.found.inputs)}: this picture and training images." if now.training else ""
    name = class_name(now.network, now.label)
    return f"L is the {loss} against **{name}**, {which_class}: {now.found.loss:.4g}.{batch}"


def part_to_show(now: Scene, outputs: np.ndarray) -> Cut:
    """Return which rows and columns of a map are shown, and say so where that is not all of them."""
    part = cut_of(outputs)
    if part[0] != slice(None):
        now.panel.caption(part_words(part, outputs.shape) + ".")
    return part


def piece_to_show(now: Scene, *args: Any, **settings: Any) -> Piece:
    """Return what is shown of one output map, see `piece_of`; the panel says so where that is not all of it."""
    piece = piece_of(*args, **settings)
    if piece.words:
        now.panel.caption(f"{piece.words}; the gradients of weights are those of this part alone.")
    return piece
