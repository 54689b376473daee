"""What every optimiser makes of one weight: a table of numbers, lines over the steps, and the formulas filled in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.optimizer_courses import brief, course_chart, course_rows, seat
from core.figures.overlay_curves import swatch
from core.figures.scales import number
from core.inference.network import Network
from core.maths.rules import OPTIMIZERS
from core.maths.terms import Term, latex_number
from pages.shared import state
from pages.shared.bench_gradients import Batch, Place
from pages.shared.bench_oracle import equal, verdict
from pages.shared.bench_traces import Trace, where
from pages.shared.charts import chart

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
        "": [swatch(seat(each.name), state.theme()) for each in traces],
        "Optimiser": [brief(each.name) for each in traces],
    }
    for title, (_, symbols) in COLUMNS.items():
        found = [next((each.lines[name] for name in symbols if name in each.lines), None) for each in traces]
        rows[title] = [None if value is None else number(value, 6 if title == "New value" else 4) for value in found]
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
    names, theme = [each.name for each in traces], state.theme()
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


def formulas(weights: Network, traces: Sequence[Trace], checks: Mapping[str, Sequence[float]]) -> None:
    """Write the last step of chosen optimisers out, line by line."""
    used = weights.config.get("optimizer", "adam")
    chosen = st.pills(
        "Worked out",
        list(OPTIMIZERS),
        selection_mode="multi",
        default=[used],
        format_func=lambda name: OPTIMIZERS[name].title,
        key=f"bench_worked_{weights.id}",
        persist_state="session",
        help="Each line in symbols, with its numbers, and what comes out.",
    )
    with st.grid(2, min_column_width=430, gap="medium"):
        for each in traces:
            if each.name in chosen:
                with st.container(border=True):
                    st.markdown(f"**{OPTIMIZERS[each.name].title}**, step {len(each.updates)}")
                    st.latex(working(each.updates[-1].terms))
                    st.caption(verdict(each.values[-1], checks[each.name][-1], "torch"))
    st.caption(
        "w weight, g gradient, b velocity, m mean of the gradients, v mean of their squares, a hat: corrected for "
        "having begun at 0, s step. η learning rate, μ momentum, λ decay, β and α shares kept, ε keeps the root from 0."
    )


def working(terms: Sequence[Term]) -> str:
    """Return the lines of a step as LaTeX: each in symbols, with its numbers, and what comes out."""
    return r"\begin{aligned}" + r" \\[9pt] ".join(_line(term) for term in terms) + r"\end{aligned}"


def _line(term: Term) -> str:
    out = latex_number(float(term.value)).removeprefix("(").removesuffix(")")
    same = term.substituted in (out, f"({out})")
    rest = [out] if same else [term.substituted, out]
    return r" \\ ".join([f"{term.symbol} &= {term.formula}", *(f"&= {part}" for part in rest)])
