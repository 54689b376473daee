"""Forward and backward through any layer of a network, on a picture of one's choice."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.inference.network import Network
from core.train.choices import LOSSES
from pages.shared.anatomy import layers_of, parts_of
from pages.shared.controls import ask_layer
from pages.shared.layout import show_errors
from pages.shared.maths_answer import softmax_and_loss
from pages.shared.maths_cells import CURVES, activation, batch_norm, dropout
from pages.shared.maths_pooling import pooling, whole_mean
from pages.shared.maths_scene import Scene, describe, scene
from pages.shared.maths_windows import convolution, dense
from pages.shared.pictures import pick_picture

VIEWS: dict[str, Callable[[Scene], None]] = {  # by the name of torch's class
    "Conv2d": convolution,
    "MaxPool2d": pooling,
    "AvgPool2d": pooling,
    "Sequential": whole_mean,  # a stack inside a network of ours is a global mean
    "AdaptiveAvgPool2d": whole_mean,
    "Linear": dense,
    "BatchNorm2d": batch_norm,
    "BatchNorm1d": batch_norm,
    "Dropout": dropout,
    **dict.fromkeys(CURVES, activation),
}
LOSS = "softmax and loss"
MOODS = ("BatchNorm2d", "BatchNorm1d", "Dropout")  # what works otherwise in training


@st.fragment
def layer_bench(weights: Network) -> None:
    """Ask for a picture and a layer, and show each number of it with what it is made of."""
    with show_errors():
        asking, choosing = st.columns([2, 3], gap="large")
        with asking:
            picture = pick_picture(weights)
        with choosing:
            layer = _pick_layer(weights)
            name = layer if layer != LOSS else layers_of(weights)[-1].name
            kind = _kind(weights.model.get_submodule(name))
            alone = weights.why_no_images
            training = (
                kind in MOODS
                and not alone
                and st.toggle(
                    "As in training",
                    value=True,
                    key=f"maths_training_{kind}",
                    help="Batch norm then uses the statistics of a batch, and dropout drops; afterwards neither does.",
                )
            )
            loss = _pick_loss(weights) if layer == LOSS else weights.config.get("loss", "cross_entropy")
            now = scene(weights, name, picture, training=training, loss=loss)
            now.panel.markdown(describe(now, LOSSES[loss].title.lower()))
        if layer == LOSS:
            softmax_and_loss(now, loss, weights.class_names)
        else:
            VIEWS[kind](now)


def _pick_layer(weights: Network) -> str:
    modules = dict(weights.model.named_modules())
    if weights.spec is None:
        parts = [part for part in parts_of(weights) if _kind(modules[part.name]) in VIEWS]
        found = [part.name for part in parts if part.kind != "global_avg_pool" or part.output_shape[1:] == (1, 1)]
        return ask_layer("Layer", [*found, LOSS], f"maths_layer_{weights.id}")
    outer = {name for name in modules if name and type(modules[name]).__name__ in VIEWS}
    names = [name for name in modules if name in outer and name.rpartition(".")[0] not in outer]
    names.append(LOSS)
    moves = "Flatten is missing: it moves numbers and computes none."
    return ask_layer("Layer", names, f"maths_layer_{weights.id}", help=moves)


def _kind(module: Any) -> str:
    """Return the name of torch's class that a module is, or is a kind of, in `VIEWS`; else that of its own."""
    kinds = [kind.__name__ for kind in type(module).__mro__]
    return next((kind for kind in kinds if kind in VIEWS and kind != "Sequential"), kinds[0])


def _pick_loss(weights: Network) -> str:
    used = weights.config.get("loss", "cross_entropy")
    chosen: str = st.segmented_control(
        "Loss",
        list(LOSSES),
        default=used,
        format_func=lambda name: LOSSES[name].title,
        required=True,
        key=f"maths_loss_name_{weights.id}",
        help="The same logits through another loss; the training is not touched.",
    )
    return chosen
