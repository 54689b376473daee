"""The loss workbench: one answer of the network under every loss, its pull at every logit, and where that fades."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import ConvScopeError
from core.figures.loss_curves import MEASURES, gradient_chart, gradient_rows, slide_chart, slide_rows
from core.formatting import number, share
from core.glossary import GLOSSARY
from core.inference.network import Network
from core.maths.loss_formulas import gradient_formula, value_formula
from core.maths.losses import LOSSES
from core.workbench.loss_case import SHOWN, Case
from core.workbench.torch_reference import torch_loss
from pages.sections.maths.article import read_on
from pages.sections.maths.equality import equality_badge
from pages.shared.display.vega_charts import chart
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.picture.picker import pick_picture
from pages.shared.shell import session
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray


SOURCES = {"network": "From the network", "hand": "By hand"}
LIMIT, SURE = 20.0, 8.0  # of a slider; the logit of a class that one is sure of


def ask_logits(
    network: Network, picture: input_image.InputImage | None, most: int
) -> "tuple[NDArray[np.float64], int, tuple[str, ...]]":
    """Ask for a picture, its true class and where the logits come from; return the logits, the class and all names.

    Args:
        network: Whose answer.
        picture: To what; asked for where none is given.
        most: How many logits get a slider: the largest ones.

    Raises:
        ConvScopeError: The network cannot be read, or its answer holds no numbers.
    """
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        chosen = picture or pick_picture(network)
    names = network.class_names
    with answering:
        logits = network_logits(network, chosen)
        label = _ask_label(network, chosen, logits, names)
        source = ask_one("Logits", SOURCES, "bench_logits")
    if source == "hand":
        logits = _sliders(logits, label, names, f"{network.id}_{chosen.digest}", most)
    return logits, label, names


def network_logits(network: Network, picture: input_image.InputImage) -> "NDArray[np.float64]":
    """Return what a network answers, (K,); raises `ConvScopeError` where that is not a number."""
    if network.spec is None:
        return inference.logits(network, picture).astype(np.float64)
    last = [name for name, _ in network.model.named_children()][-1]
    logits = inference.activations(network, (last,), picture)[last].astype(np.float64).ravel()
    if not np.isfinite(logits).all():
        raise ConvScopeError("The network's answer is not a number: choose an earlier epoch, or train it anew.")
    return logits


def _ask_label(
    network: Network, picture: input_image.InputImage, logits: "NDArray[np.float64]", names: Sequence[str]
) -> int:
    """Show the picture and the answer, and ask for the true class: known of test images, else at first the answer."""
    best, pixels = int(logits.argmax()), picture.array()
    zoom = max(1, -(-112 // max(pixels.shape[:2])))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(pixels.repeat(zoom, axis=0).repeat(zoom, axis=1), width=112, alt="The picture the network looks at")
        sure = share(float(inference.probabilities(network, picture)[best]))
        st.markdown(
            f"{escape_markdown(picture.title)}  \nThe network says **{escape_markdown(names[best])}**, {sure} sure.",
            width="stretch",
        )
    label = picture.label
    chosen: int = st.selectbox(
        "True class",
        range(len(names)),
        index=best if label is None else label,
        format_func=names.__getitem__,
        key=f"bench_label_{network.dataset_name}_{picture.digest}",
        help="What the answer is compared with. Choose another one to see what the losses would say then.",
    )
    if label is None:
        st.caption("Nobody has said what this picture shows: choose its true class.")
    return chosen


def _sliders(
    logits: "NDArray[np.float64]", label: int, names: Sequence[str], about: str, most: int
) -> "NDArray[np.float64]":
    """Let the largest logits be set by hand, the network's at first; the rest stay the network's."""
    first = [label, *(index for index in np.argsort(-logits, kind="stable").tolist() if index != label)]
    places = sorted(first[:most])
    rival = next(index for index in first if index != label)
    keys = {index: f"bench_logit_{about}_{index}" for index in places}
    starts = {index: float(np.clip(round(logits[index], 1), -LIMIT, LIMIT)) for index in places}

    def put(values: dict[int, float]) -> None:
        for index, key in keys.items():
            st.session_state[key] = values.get(index, 0.0)

    with st.container(horizontal=True, key="bench_cases"):
        for title, values in {
            "The network's": starts,
            "Undecided": {},
            "Sure and right": {label: SURE},
            "Sure and wrong": {rival: SURE, label: -SURE / 2},
        }.items():
            st.button(title, on_click=put, args=(values,), key=f"bench_case_{title}")
    for index, key in keys.items():
        st.session_state.setdefault(key, starts[index])
    moved = logits.copy()
    with st.grid(5, min_column_width=140, gap="small"):
        for index, key in keys.items():
            title = f"**{escape_markdown(names[index])}** ✓" if index == label else escape_markdown(names[index])
            moved[index] = st.slider(title, -LIMIT, LIMIT, step=0.1, format="%.1f", key=key)
    return moved


NEVER, ALWAYS = 1e-12, 1 - 1e-12  # a curve knows neither 0 nor 1
SMALL_PROBABILITIES = (0.01, 1e-4)  # where the difference between the losses is plain


def loss_bench(network: Network, picture: input_image.InputImage | None = None) -> None:
    """Show one answer of a network, or one made up, under every loss.

    Args:
        network: Whose answer.
        picture: To what; asked for where none is given.
    """
    st.markdown(
        "One picture, one answer, three ways to say how wrong it is. The answer is a number for each class, its "
        "**logit** z. *Softmax* turns the logits into probabilities p. A **loss** turns these and the true class into "
        "one number, and its gradient at each logit says where training pushes it."
    )
    case = Case(*ask_logits(network, picture, SHOWN))
    _why(case)
    _cards(case)
    _table(case)
    _curves(case)
    read_on("loss")


def _why(case: Case) -> None:
    """Say with these very numbers why the squared error after softmax learns slowly where it is most wrong."""
    p = float(case.probabilities[case.label])
    pulls = {loss: abs(float(case.gradient(loss)[case.label])) for loss in LOSSES}
    entropy, squared = pulls["cross_entropy"], pulls["mse"]
    times = entropy / squared if squared > 0 else np.inf
    less = f": **{times:,.0f} times less**" if 2 <= times < 1e12 else ": practically nothing" if times >= 1e12 else ""
    near = [
        f"at p = {at:g}, {number(one.gradients[0], 2)} against {number(other.gradients[0], 2)}"
        for at in SMALL_PROBABILITIES
        for one, other in [[case.slide(loss, np.array([at])) for loss in ("cross_entropy", "mse")]]
    ]
    words = (
        "**Why squared error after softmax learns slowly.** The true class "
        f"“{escape_markdown(case.names[case.label])}” has "
        f"p = {number(p, 3)} here. Cross-entropy pulls at its logit with |p − 1| = {number(entropy, 3)}, squared "
        f"error with {number(squared, 3)}{less}. Squared error's pull there is multiplied by p: as p goes to 0 it "
        f"dies, however wrong the answer is, while cross-entropy's grows to 1. With the other logits as they are: "
        f"{'; '.join(near)}."
    )
    with st.container(border=True):
        st.markdown(f":material/lightbulb: {words}")


def _cards(case: Case) -> None:
    """Draw one card for each loss: its value, its pull at every logit, its formula with numbers, the check."""
    st.subheader("The same logits under each loss", anchor=False, help=GLOSSARY["logit"])
    together = st.toggle(
        "One scale for all bars",
        value=True,
        key="bench_one_scale",
        persist_state="session",
        help="On: bars of equal length are equal gradients. Off: each loss fills its own chart.",
    )
    shown, probabilities = case.shown, case.probabilities
    gradients = {loss: case.gradient(loss) for loss in LOSSES}
    reach = max(float(np.abs(values).max()) for values in gradients.values())
    theme = session.theme()
    labels = [f"{case.names[index]} · {share(probabilities[index])}" for index in shown]
    for loss, rule in LOSSES.items():
        values = gradients[loss]
        with st.container(border=True), st.grid(2, min_column_width=300, gap="medium"):
            with st.container():
                st.metric(rule.title, number(case.value(loss), 4))
                st.latex(value_formula(loss, case.logits, case.label))
                st.latex(gradient_formula(loss, case.logits, case.label))
            with st.container():
                chart(
                    gradient_chart(len(shown), reach if together else float(np.abs(values).max()), theme=theme),
                    gradient_rows(labels, values[shown], true=shown.index(case.label)),
                    key=f"bench_gradient_{loss}",
                    alt=f"Gradient of {rule.title.lower()} at each logit, as bars to the left and right of zero",
                )
                _check(case, loss)
    left = len(case.names) - len(shown)
    st.caption(
        "Bars: the gradient dL/dz at the logit of each class, beside its probability; ✓ is the true class. Blue is "
        "negative: training raises this logit. Red is positive: training lowers it."
        + f" The {left} least likely classes are not drawn."
        * (left > 0)
    )


def _check(case: Case, loss: str) -> None:
    value, gradient = torch_loss(loss, case.logits, case.label)
    at, hand = case.label, case.gradient(loss)
    st.caption(
        f"Loss: {equality_badge(case.value(loss), value)}  \n"
        f"dL/dz of the true class: {equality_badge(float(hand[at]), float(gradient[at]))}  \n"
        f"Largest difference at any of the {len(hand)} logits: {number(float(np.abs(hand - gradient).max()), 2)}"
    )


def _table(case: Case) -> None:
    shown = case.shown
    rows = {
        "Class": [case.names[index] for index in shown],
        "Logit z": case.logits[shown],
        "Probability p": case.probabilities[shown],
        "Target y": [int(index == case.label) for index in shown],
    }
    rows |= {f"dL/dz, {rule.title.lower()}": case.gradient(loss)[shown] for loss, rule in LOSSES.items()}
    with st.expander("All numbers as a table"):
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%.4g") for name in rows if name != "Class"},
            key="bench_logits_table",
            alt="Logit, probability, target and gradient under each loss, for each class",
        )


def _curves(case: Case) -> None:
    st.subheader("As the true class grows likelier", anchor=False)
    log = st.toggle(
        "Logarithmic axes",
        key="bench_slide_log",
        persist_state="session",
        help="Equal distances are equal factors: shows what happens where the true class has almost nothing.",
    )
    p = float(np.clip(case.probabilities[case.label], NEVER, ALWAYS))
    along = np.geomspace(min(1e-6, p), max(0.999, p), 200) if log else np.linspace(1e-4, 1 - 1e-4, 200)
    slides = {loss: case.slide(loss, along) for loss in LOSSES}
    here = {loss: case.slide(loss, np.array([p])) for loss in LOSSES}
    with st.grid(2, min_column_width=320, gap="medium"):
        for measure, title in MEASURES.items():
            chart(
                slide_chart(measure, log=log, theme=session.theme()),
                slide_rows(slides, measure),
                key=f"bench_slide_{measure}",
                alt=f"{title} of each loss along the probability of the true class; the present one is marked",
                present=slide_rows(here, measure),
                now=[{"p": p}],
            )
    st.caption(
        f"Dashed upright line and dots: this answer, p = {number(p, 3)}. Only the true class's logit moves, so "
        "that the other classes keep their proportions. Cross-entropy and negative log-likelihood are the same "
        "number, worked out in two ways: their lines lie on each other."
    )


SECTION = Section("losses", "Losses", loss_bench)
