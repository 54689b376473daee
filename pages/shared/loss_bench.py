"""The loss workbench: one answer of the network under every loss, its pull at every logit, and where that fades."""

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.loss_curves import MEASURES, gradient_chart, gradient_rows, slide_chart, slide_rows
from core.figures.scales import number
from core.inference.network import Network
from core.maths.losses import LOSSES
from pages.shared import state, subjects
from pages.shared.bench_case import SHOWN, Case
from pages.shared.bench_formulas import gradient_formula, value_formula
from pages.shared.bench_logits import ask_logits
from pages.shared.bench_oracle import torch_loss, verdict
from pages.shared.charts import chart
from pages.shared.layout import plain, show_errors
from pages.shared.predictions import share

NEVER, ALWAYS = 1e-12, 1 - 1e-12  # a curve knows neither 0 nor 1
FEW = (0.01, 1e-4)  # where the difference between the losses is plain


@st.fragment
def loss_bench(weights: Network, picture: subjects.Picture | None = None) -> None:
    """Show one answer of a network, or one made up, under every loss.

    Args:
        weights: Whose answer.
        picture: To what; asked for where none is given.
    """
    st.markdown(
        "One picture, one answer, three ways to say how wrong it is. The answer is a number for each class, its "
        "**logit** z. *Softmax* turns the logits into probabilities p. A **loss** turns these and the true class into "
        "one number, and its gradient at each logit says where training pushes it."
    )
    with show_errors():
        case = Case(*ask_logits(weights, picture, SHOWN))
        _why(case)
        _cards(case)
        _table(case)
        _curves(case)


def _why(case: Case) -> None:
    """Say with these very numbers why the squared error after softmax learns slowly where it is most wrong."""
    p = float(case.probabilities[case.label])
    pulls = {loss: abs(float(case.gradient(loss)[case.label])) for loss in LOSSES}
    entropy, squared = pulls["cross_entropy"], pulls["mse"]
    times = entropy / squared if squared > 0 else np.inf
    less = f": **{times:,.0f} times less**" if 2 <= times < 1e12 else ": practically nothing" if times >= 1e12 else ""
    near = [
        f"at p = {at:g}, {number(one.gradients[0], 2)} against {number(other.gradients[0], 2)}"
        for at in FEW
        for one, other in [[case.slide(loss, np.array([at])) for loss in ("cross_entropy", "mse")]]
    ]
    words = (
        f"**Why squared error after softmax learns slowly.** The true class “{plain(case.names[case.label])}” has "
        f"p = {number(p, 3)} here. Cross-entropy pulls at its logit with |p − 1| = {number(entropy, 3)}, squared "
        f"error with {number(squared, 3)}{less}. Squared error's pull there is multiplied by p: as p goes to 0 it "
        f"dies, however wrong the answer is, while cross-entropy's grows to 1. With the other logits as they are: "
        f"{'; '.join(near)}."
    )
    with st.container(border=True):
        st.markdown(f":material/lightbulb: {words}")


def _cards(case: Case) -> None:
    """Draw one card for each loss: its value, its pull at every logit, its formula with numbers, the check."""
    st.subheader("The same logits under each loss", anchor=False)
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
    theme = state.theme()
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
        f"Loss: {verdict(case.value(loss), value)}  \n"
        f"dL/dz of the true class: {verdict(float(hand[at]), float(gradient[at]))}  \n"
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
                slide_chart(measure, log=log, theme=state.theme()),
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
