"""One weight of the network under every optimiser: which weight, which batch, which settings."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.inference.network import Network
from core.maths.rules import OPTIMIZERS
from core.options import options
from core.train.config import TrainConfig
from pages.shared.bench_gradients import Batch, Place, layer_weights, weighty_layers
from pages.shared.bench_oracle import torch_weights
from pages.shared.bench_tables import courses, formulas, headline, table
from pages.shared.bench_traces import AXES, Trace, trace
from pages.shared.controls import ask, ask_one
from pages.shared.jobs import Progress, background
from pages.shared.layout import show_errors

SIZES = (8, 32, 64)
MOST_STEPS = 5
SETTINGS = ("lr", "momentum", "weight_decay")
WHICH = {"steepest": "Largest gradient", "chosen": "Choose"}


@st.fragment
def weight_steps(weights: Network) -> None:
    """Ask for a weight and a batch, and show what every optimiser makes of its gradient."""
    st.subheader("One weight, every optimiser", anchor=False)
    st.markdown(
        "A mini-batch of training images goes forward and backward through the network. That gives one **gradient** "
        "for each weight: how fast the loss grows with it. An **optimiser** is the rule that makes a step of it."
    )
    with show_errors():
        layers = weighty_layers(weights)
        if not layers:
            st.info("This network has no weights to change: add a convolution or a dense layer and train again.")
            return
        layer, batch, steps = _ask(weights, layers)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            which = ask_one("Weight", WHICH, "bench_which")
            settings = _ask_settings(weights)
        place = _ask_place(weights, layer, batch, which)
        traces = _traces(weights, layer, place, batch, steps, settings)
        if traces is None:
            return
        checks = {each.name: torch_weights(each.name, each.values[0], each.gradients, settings) for each in traces}
        headline(traces[0], layer, place, batch)
        table(traces, checks)
        if steps > 1:
            courses(traces, steps)
        formulas(weights, traces, checks)


def _traces(
    weights: Network, layer: str, place: Place, batch: Batch, steps: int, settings: Mapping[str, float]
) -> list[Trace] | None:
    """Return the way of the weight under each optimiser, or draw how far that is and return None."""

    def work(tell: Progress) -> list[Trace]:
        made = []
        for number, name in enumerate(OPTIMIZERS):
            tell(number, len(OPTIMIZERS))
            made.append(trace(weights, layer, place, batch, name, steps, settings))
        return made

    key = ("traces", *weights.mark, layer, place, batch, steps, *sorted(settings.items()))
    return background(key, work, words="Forward and backward, once for each step", place="bench_traces")


def _ask(weights: Network, layers: Mapping[str, Place]) -> tuple[str, Batch, int]:
    with st.grid(4, min_column_width=170, gap="medium"):
        layer = st.selectbox(
            "Layer",
            list(layers),
            format_func=lambda name: f"{name} · {int(np.prod(layers[name])):,} weights",
            key=f"bench_layer_{weights.id}",
            persist_state="session",
        )
        size = st.segmented_control(
            "Images in the batch", SIZES, default=32, required=True, key="bench_size", persist_state="session"
        )
        seed = st.number_input(
            "Batch", 0, 9999, 0, key="bench_seed", persist_state="session", help="Another number draws other images."
        )
        steps = st.slider(
            "Steps",
            1,
            MOST_STEPS,
            1,
            key="bench_steps",
            persist_state="session",
            help="The same batch again and again. Only this one weight moves, and its gradient is taken anew at each "
            "step; a training moves all weights at once and sees another batch each time.",
        )
    return layer, Batch(size or 32, int(seed)), int(steps)


def _ask_settings(weights: Network) -> dict[str, float]:
    """Ask for learning rate, momentum and decay, at first those of the run."""
    config = TrainConfig.from_mapping(weights.config)
    found = {option.name: option for option in options(TrainConfig) if option.name in SETTINGS}
    with st.popover("Settings of the optimisers", icon=":material/tune:"):
        st.caption(
            "As the run was trained, until you change them. The shares kept (β₁, β₂, α) and ε are torch's own; the "
            "run's schedule, clipping and L1 are left out."
        )
        return {name: float(ask(found[name], getattr(config, name), f"bench_{name}_{weights.id}")) for name in SETTINGS}


def _ask_place(weights: Network, layer: str, batch: Batch, which: str) -> Place:
    """Ask for one weight of a layer; the one with the largest gradient until another one is chosen."""
    found = layer_weights(weights, layer, batch)
    steepest = found.steepest
    if which == "steepest":
        return steepest
    shape = found.values.shape
    names = AXES.get(len(shape), tuple(f"Axis {axis}" for axis in range(len(shape))))
    with st.grid(4, min_column_width=110, gap="small"):
        return tuple(
            int(st.number_input(name, 0, size - 1, at, key=f"bench_axis_{weights.id}_{layer}_{name}"))
            for name, size, at in zip(names, shape, steepest, strict=True)
        )
