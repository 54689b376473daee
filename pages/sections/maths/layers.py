"""Forward and backward through any layer of a network, on a picture of one's choice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from core import maths
from core.figures.network_blocks import DrawnLayer
from core.inference.network import Network
from core.probe.network_layers import layers_of, parts_of
from core.train.choices import LOSSES
from pages.sections.maths.article import read_on
from pages.sections.maths.convolution import convolution, dense
from pages.sections.maths.elementwise import CURVES, activation, batch_norm, dropout
from pages.sections.maths.layer_pass import Scene, describe_pass, scene
from pages.sections.maths.pooling import pooling, whole_mean
from pages.shared.network.network_map import ask_layer
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.section import Section
from pages.shared.widgets.cell_view import Cells, Mode, Number, cell_view

MOST_CLASSES = 24


def softmax_and_loss(now: Scene, loss: str, class_names: tuple[str, ...]) -> None:
    """Follow logits to probabilities, to the loss of each class and back; `now` is the scene of the last layer."""
    logits = now.found.outputs[:1].reshape(1, -1)
    p, count = maths.softmax(logits)[0], logits.shape[1]
    target = np.eye(count)[now.label]
    raised = np.exp(logits[0] - logits.max())
    shown = _likeliest(logits[0], now.label)
    if len(shown) < count:
        now.panel.caption(f"The {len(shown)} likeliest of {count:,} classes are shown; the sums are over all of them.")
    grids = {
        "z": Cells("Logits", "z", logits[0]),
        "e": Cells("Raised", "e", raised, "kernel"),
        "p": Cells("Probabilities", "p", p, "output"),
        "t": Cells("True class", "t", target, "kernel"),
        "g": Cells("Gradient at the logits", "∂L/∂z", maths.loss_gradient(loss, logits, [now.label])[0], "output"),
    }
    numbers = {
        "top": Number("max z", float(logits.max())),
        "sum": Number("∑ e", float(raised.sum())),
        "n": Number("K", float(count)),
        "mix": Number("∑ (p − t) · p", float(((p - target) * p).sum())),
    }
    if loss == "mse":
        cells, term = (p - target) ** 2 / count, "{l} = ({p} − {t})² / {n}"
        back = "{g} = 2 / {n} · {p} · ({p} − {t} − {mix})"
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            cells, term = -target * maths.log_softmax(logits)[0], "{l} = −{t} · ln({p})"
        back = "{g} = {p} − {t}"
    grids["l"] = Cells("Parts of the loss", "l", cells, "upstream")
    modes = [
        Mode("Raise", "less the largest, so that nothing overflows", "{e} = exp({z} − {top})", ("z", "e"), "e"),
        Mode("Share out", "each by the sum of all", "{p} = {e} / {sum}", ("e", "p"), "p"),
        Mode("Loss", f"the parts add up to {now.found.loss:.4g}", term, ("p", "t", "l"), "l"),
        Mode("Backward", "where training starts to push", back, ("p", "t", "g"), "g"),
    ]
    cell_view(
        {name: replace(cells, values=np.asarray(cells.values)[shown]) for name, cells in grids.items()},
        modes,
        numbers=numbers,
        autograd={"g": now.found.upstream[0].ravel()[shown]},
        row_names=[""],
        col_names=[class_names[index] for index in shown],
        start=(0, shown.index(now.label)),
        key=f"maths_loss_{now.key}_{loss}",
        label=f"Softmax and loss of {now.words}",
    )


def _likeliest(logits: np.ndarray, label: int) -> list[int]:
    """Return the classes there is room for, in their order: the likeliest, and always the true one."""
    first = [label, *(index for index in np.argsort(-logits, kind="stable").tolist() if index != label)]
    return sorted(first[:MOST_CLASSES])


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
TOPICS = {  # of the texts to read on, by the name of torch's class
    "Conv2d": "convolution",
    "MaxPool2d": "max_pooling",
    **dict.fromkeys(("AvgPool2d", "Sequential", "AdaptiveAvgPool2d"), "average_pooling"),
    "Linear": "dense",
    **dict.fromkeys(("BatchNorm2d", "BatchNorm1d"), "batch_norm"),
    "Dropout": "dropout",
    **dict.fromkeys(CURVES, "activation"),
}
LOSS = "softmax and loss"
MOODS = ("BatchNorm2d", "BatchNorm1d", "Dropout")  # what works otherwise in training


def layer_bench(network: Network) -> None:
    """Ask for a picture and a layer, and show each number of it with what it is made of."""
    layer = _pick_layer(network)
    asking, choosing = st.columns([2, 3], gap="large")
    with asking:
        picture = pick_picture(network)
    with choosing:
        name = layer if layer != LOSS else layers_of(network)[-1].name
        kind = _kind(network.model.get_submodule(name))
        alone = network.why_no_images
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
        loss = _pick_loss(network) if layer == LOSS else network.config.get("loss", "cross_entropy")
        now = scene(network, name, picture, training=training, loss=loss)
        now.panel.markdown(describe_pass(now, LOSSES[loss].title.lower()))
    if layer == LOSS:
        softmax_and_loss(now, loss, network.class_names)
    else:
        VIEWS[kind](now)
    read_on("softmax" if layer == LOSS else TOPICS[kind])


def _pick_layer(network: Network) -> str:
    """Ask for a layer or the loss."""
    modules, help = dict(network.model.named_modules()), None
    if network.spec is None:
        parts = [part for part in parts_of(network) if _kind(modules[part.name]) in VIEWS]
        names = [part.name for part in parts if part.kind != "global_avg_pool" or part.output_shape[1:] == (1, 1)]
    else:
        outer = {name for name in modules if name and type(modules[name]).__name__ in VIEWS}
        names = [name for name in modules if name in outer and name.rpartition(".")[0] not in outer]
        help = "Flatten is missing: it moves numbers and computes none."
    return ask_layer(
        network,
        "Layer",
        [*names, LOSS],
        f"maths_layer_{network.id}",
        blocks={LOSS: "loss"},
        last=DrawnLayer("loss", "loss", (len(network.class_names),)),
        help=help,
    )


def _kind(module: Any) -> str:
    """Return the name of torch's class that a module is, or is a kind of, in `VIEWS`; else that of its own."""
    kinds = [kind.__name__ for kind in type(module).__mro__]
    return next((kind for kind in kinds if kind in VIEWS and kind != "Sequential"), kinds[0])


def _pick_loss(network: Network) -> str:
    used = network.config.get("loss", "cross_entropy")
    chosen: str = st.segmented_control(
        "Loss",
        list(LOSSES),
        default=used,
        format_func=lambda name: LOSSES[name].title,
        required=True,
        key=f"maths_loss_name_{network.id}",
        help="The same logits through another loss; the training is not touched.",
        wrap=True,
    )
    return chosen


SECTION = Section("layers", "A layer", layer_bench)
