"""The optimiser workbench: one weight under every optimiser, number by number, and their race over a landscape."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.optimizer_courses import course_chart, course_rows, order_of, short_name
from core.figures.overlay_curves import swatch
from core.formatting import number
from core.inference.network import Network
from core.maths.rules import OPTIMIZERS
from core.maths.terms import working
from core.options import options
from core.progress import Progress
from core.train.config import TrainConfig
from core.workbench.batch_gradients import Batch, Place, weighty_layers
from core.workbench.torch_reference import torch_weights
from core.workbench.weight_trace import AXES, Trace, trace, where
from pages.sections.maths.article import read_on
from pages.sections.maths.equality import equal, equality_badge
from pages.sections.maths.gradients import layer_weights, moved
from pages.sections.maths.optimizer_race import landscape_race
from pages.shared.display.vega_charts import chart
from pages.shared.network.missing_images import missing_images
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background
from pages.shared.shell.controls import ask, ask_one
from pages.shared.shell.layout import show_errors
from pages.shared.shell.section import Section

# Columns of the table: what each one is, and the symbols of the lines that are read there.
COLUMNS = {
    "g": ("Gradient of the loss at this weight, its decay included", ("g_t",)),
    "b or m": ("Velocity (momentum, Nesterov) or mean of the gradients (Adam, AdamW)", ("b_t", "m_t")),
    "v": ("Second moment: mean of the squared gradients", ("v_t",)),
    "m̂": ("The mean, corrected for having begun at 0", (r"\hat m_t",)),
    "v̂": ("The second moment, corrected for having begun at 0", (r"\hat v_t",)),
    "Step": ("What is taken from the weight", ("s_t",)),
    "New value": ("The weight after this step", ("w_t",)),
}
WIDTHS = {"Step": 84, "New value": 80, "Torch": 80, "Off by": 60}


def headline(trace: Trace, layer: str, place: Place, batch: Batch) -> None:
    """Say which weight it is, and what its gradient means."""
    st.markdown(
        f"**{layer}, {where(place)}** is {number(trace.values[0], 4)}. The loss of these {batch.size} images is "
        f"{number(trace.losses[0], 4)}, and the gradient at this weight **{number(trace.gradients[0], 4)}**: "
        f"{_direction(trace.gradients[0])}."
    )


def _direction(gradient: float) -> str:
    if not np.isfinite(gradient):
        return "no number, so no step makes sense"
    if gradient == 0:
        return "the loss does not change with it, so nothing moves it but decay"
    return f"the loss falls where the weight is {'lowered' if gradient > 0 else 'raised'}"


def table(traces: Sequence[Trace], checks: Mapping[str, Sequence[float]]) -> None:
    """Show the numbers of the last step of every optimiser, beside what torch makes of it."""
    rows: dict[str, list[Any]] = {
        "": [swatch(order_of(each.name), session.theme()) for each in traces],
        "Optimiser": [short_name(each.name) for each in traces],
    }
    for title, (_, symbols) in COLUMNS.items():
        values = [next((each.lines[name] for name in symbols if name in each.lines), None) for each in traces]
        rows[title] = [None if value is None else number(value, 6 if title == "New value" else 4) for value in values]
    rows["Torch"] = [number(checks[each.name][-1], 6) for each in traces]
    rows["Off by"] = [number(abs(each.values[-1] - checks[each.name][-1]), 2) for each in traces]
    about = {title: words for title, (words, _) in COLUMNS.items()}
    about |= {"Torch": "What torch.optim makes of the weight, in float64", "Off by": "New value less torch's"}
    count = len(traces[0].updates)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "": st.column_config.ImageColumn(width=44),
            "Optimiser": st.column_config.TextColumn(width=90),
            **{
                name: st.column_config.TextColumn(width=WIDTHS.get(name, 72), help=words, alignment="right")
                for name, words in about.items()
            },
        },
        placeholder="–",
        key="bench_optimizers_table",
        alt=f"Gradient, memory, step and new value of the weight under each optimiser at step {count}",
    )
    pairs = [pair for each in traces for pair in zip(each.values[1:], checks[each.name], strict=True)]
    if all(equal(hand, torchs) for hand, torchs in pairs):
        said = ":material/check: Every new value up to here equals that of torch's own optimiser"
    else:
        said = ":material/close: Not every new value equals that of torch's own optimiser"
    st.caption(
        f"Step {count}. {said}, in float64. –: this rule has no such quantity. SGD (stochastic gradient "
        "descent) and GD (gradient descent) are one rule: they differ in the images behind the gradient, which here "
        "are the same."
    )


def courses(traces: Sequence[Trace], steps: int) -> None:
    """Draw the weight and the loss of the batch over the steps."""
    names, theme = [each.name for each in traces], session.theme()
    with st.grid(2, min_column_width=320, gap="medium"):
        chart(
            course_chart(names, "Change of the weight", steps=steps, theme=theme),
            course_rows({each.name: np.array(each.values) - each.values[0] for each in traces}),
            key="bench_weight_course",
            alt="How far the weight has moved after each step under each optimiser",
        )
        chart(
            course_chart(names, "Loss of the batch", steps=steps - 1, theme=theme),
            course_rows({each.name: each.losses for each in traces}),
            key="bench_loss_course",
            alt="The loss of the batch before each step under each optimiser",
        )
    st.caption("The same batch at every step, and only this weight moves: the loss changes by little.")


def formulas(network: Network, traces: Sequence[Trace], checks: Mapping[str, Sequence[float]]) -> None:
    """Write the last step of chosen optimisers out, line by line."""
    used = network.config.get("optimizer", "adam")
    chosen = st.pills(
        "Worked out",
        list(OPTIMIZERS),
        selection_mode="multi",
        default=[used],
        format_func=lambda name: OPTIMIZERS[name].title,
        key=f"bench_worked_{network.id}",
        persist_state="session",
        help="Each line in symbols, with its numbers, and what comes out.",
    )
    with st.grid(2, min_column_width=430, gap="medium"):
        for each in traces:
            if each.name in chosen:
                with st.container(border=True):
                    st.markdown(f"**{OPTIMIZERS[each.name].title}**, step {len(each.updates)}")
                    st.latex(working(each.updates[-1].terms))
                    st.caption(equality_badge(each.values[-1], checks[each.name][-1], "torch"))
    st.caption(
        "w weight, g gradient, b velocity, m mean of the gradients, v mean of their squares, a hat: corrected for "
        "having begun at 0, s step. η learning rate, μ momentum, λ decay, β and α shares kept, ε keeps the root from 0."
    )


SIZES = (8, 32, 64)
MOST_STEPS = 5
SETTINGS = ("lr", "momentum", "weight_decay")
WHICH = {"steepest": "Largest gradient", "chosen": "Choose"}


@st.fragment
def weight_steps(network: Network) -> None:
    """Ask for a weight and a batch, and show what every optimiser makes of its gradient."""
    st.subheader("One weight, every optimiser", anchor=False)
    st.markdown(
        "A mini-batch of training images goes forward and backward through the network. That gives one **gradient** "
        "for each weight: how fast the loss grows with it. An **optimiser** is the rule that makes a step of it."
    )
    with show_errors():
        layers = weighty_layers(network)
        if not layers:
            st.info("This network has no weights to change: add a convolution or a dense layer and train again.")
            return
        if missing_images(network):
            return
        layer, batch, steps = _ask(network, layers)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            which = ask_one("Weight", WHICH, "bench_which")
            settings = _ask_settings(network)
        place = _ask_place(network, layer, batch, which)
        traces = _traces(network, layer, place, batch, steps, settings)
        if traces is None:
            return
        checks = {each.name: torch_weights(each.name, each.values[0], each.gradients, settings) for each in traces}
        headline(traces[0], layer, place, batch)
        table(traces, checks)
        if steps > 1:
            courses(traces, steps)
        formulas(network, traces, checks)
        read_on("optimizer")


def _traces(
    network: Network, layer: str, place: Place, batch: Batch, steps: int, settings: Mapping[str, float]
) -> list[Trace] | None:
    """Return the way of the weight under each optimiser, or draw how far that is and return None."""

    def work(tell: Progress) -> list[Trace]:
        first = layer_weights(network, layer, batch)
        start = float(first.values[place])

        def gradient_at(value: float) -> tuple[float, float]:
            if value == start:
                return float(first.gradients[place]), first.loss
            return moved(network, layer, place, value, batch)

        traces = []
        for index, name in enumerate(OPTIMIZERS):
            tell(index, len(OPTIMIZERS))
            traces.append(trace(name, start, gradient_at, steps, settings))
        return traces

    key = ("traces", *network.cache_key, layer, place, batch, steps, *sorted(settings.items()))
    return background(key, work, words="Forward and backward, once for each step", place="bench_traces")


def _ask(network: Network, layers: Mapping[str, Place]) -> tuple[str, Batch, int]:
    with st.grid(4, min_column_width=170, gap="medium"):
        layer = st.selectbox(
            "Layer",
            list(layers),
            format_func=lambda name: f"{name} · {int(np.prod(layers[name])):,} weights",
            key=f"bench_layer_{network.id}",
            persist_state="session",
        )
        size = st.segmented_control(
            "Images in the batch",
            SIZES,
            default=32,
            required=True,
            key="bench_size",
            persist_state="session",
            wrap=True,
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


def _ask_settings(network: Network) -> dict[str, float]:
    """Ask for learning rate, momentum and decay, at first those of the run."""
    config = TrainConfig.from_mapping(network.config)
    settings = {option.name: option for option in options(TrainConfig) if option.name in SETTINGS}
    with st.popover("Settings of the optimisers", icon=":material/tune:"):
        st.caption(
            "As the run was trained, until you change them. The shares kept (β₁, β₂, α) and ε are torch's own; the "
            "run's schedule, clipping and L1 are left out."
        )
        return {
            name: float(ask(settings[name], getattr(config, name), f"bench_{name}_{network.id}")) for name in SETTINGS
        }


def _ask_place(network: Network, layer: str, batch: Batch, which: str) -> Place:
    """Ask for one weight of a layer; the one with the largest gradient until another one is chosen."""
    weights = layer_weights(network, layer, batch)
    steepest = weights.steepest
    if which == "steepest":
        return steepest
    shape = weights.values.shape
    names = AXES.get(len(shape), tuple(f"Axis {axis}" for axis in range(len(shape))))
    with st.grid(4, min_column_width=110, gap="small"):
        return tuple(
            int(st.number_input(name, 0, size - 1, at, key=f"bench_axis_{network.id}_{layer}_{name}"))
            for name, size, at in zip(names, shape, steepest, strict=True)
        )


def optimizer_bench(network: Network) -> None:
    """Show what every optimiser does to one weight of a network, and how they cross a landscape of two weights.

    Each of the two parts is a fragment of its own: what is changed in one does not draw the other again.
    """
    weight_steps(network)
    landscape_race()


SECTION = Section("optimizers", "Optimisers", optimizer_bench)
