"""Inside the training: learning rate, gradients, weights, activations and dead units over time."""

import html
from collections.abc import Callable, Sequence

import streamlit as st

from core.figures.annotations import Mark, Rows, mark_rows
from core.figures.histograms import histogram_chart, histogram_rows
from core.figures.internals import ALL_LAYERS, NETWORK_LABEL, layer_chart, layer_key, layer_rows, lr_chart, lr_rows
from core.glossary import GLOSSARY
from core.runs.records import Evidence, Run
from pages.sections.train.curves import planned_epochs
from pages.shared.display.vega_charts import chart
from pages.shared.run.live_parts import Drawn
from pages.shared.shell import services, session
from pages.shared.shell.controls import ask_one

SECONDS = 2.5  # after which it is looked for something new


def has_new_evidence(run: Run, drawn: Drawn) -> bool:
    """Say whether it is time to look for new measurements; while the panel is closed nothing is shown of them."""
    if run.status != drawn.run.status:
        return True
    return run.step != drawn.run.step and drawn.seconds >= SECONDS and bool(st.session_state.get(f"inside_{run.id}"))


def evidence_panel(run: Run, marks: Sequence[Mark] = ()) -> None:
    """Offer what was measured inside the network; to be called in the fragment that ticks while the run trains.

    While it is closed nothing is read.

    Args:
        run: The run.
        marks: What a diagnosis found, to be shaded.
    """
    label, key = "Inside the training", f"inside_{run.id}"
    inside = st.expander(label, icon=":material/monitor_heart:", key=key, on_change="rerun")
    if inside.open:
        with inside:
            view = ask_one("Show", {name: title for name, (title, _) in VIEWS.items()}, "inside_view")
            VIEWS[view][1](run, marks)


def _moment(run: Run) -> int:
    """Return what tells a run that goes on, which is looked at again every few seconds, from one that rests."""
    return -1 if run.status.active else run.step


@st.cache_resource(show_spinner=False, ttl=SECONDS, max_entries=32)
def _measured(run_id: str, kind: str, moment: int) -> tuple[Evidence, ...]:
    return services.history(run_id).evidence(kind)


@st.cache_resource(show_spinner=False, ttl=SECONDS, max_entries=32)
def _lines(run_id: str, kind: str, moment: int, layers: tuple[str, ...], steps_per_epoch: int) -> Rows:
    return layer_rows(_measured(run_id, kind, moment), layers, steps_per_epoch)


@st.cache_resource(show_spinner=False, ttl=SECONDS, max_entries=32)
def _cells(run_id: str, kind: str, moment: int, layer: str, steps_per_epoch: int, epochs: float) -> Rows:
    chosen = [one for one in _measured(run_id, kind, moment) if one.layer == layer]
    return histogram_rows(chosen, steps_per_epoch, epochs)


def _rate(run: Run, marks: Sequence[Mark]) -> None:
    history = services.history(run.id)
    history.update(run)
    rows = lr_rows(history.points(run.steps_per_epoch)["train"])
    if not rows:
        _nothing(run)
        return
    st.markdown("**Learning rate**: the size of each update, as the schedule and your changes make it.")
    spec = lr_chart(epochs=planned_epochs(run), theme=session.theme())
    chart(spec, rows, key=f"rate_{run.id}", alt="The learning rate by epoch")


def _gradients(run: Run, marks: Sequence[Mark]) -> None:
    layers = _depth(run, "gradient")
    if not layers:
        _nothing(run)
        return
    st.markdown("**Gradients**: how strongly each layer is told to change.", help=GLOSSARY["gradient"])
    _layer_lines(run, "gradient", "Norm of the gradient", (*layers, ALL_LAYERS), marks, log=True)
    st.caption(
        "Lines far below the others belong to layers that hardly learn; lines that keep climbing announce a training "
        "that runs away. Colours run from the first layer (dark) to the last (light). The axis is logarithmic."
    )


def _dead(run: Run, marks: Sequence[Mark]) -> None:
    layers = _depth(run, "dead")
    if not layers:
        _nothing(run, "This network has no activation layer, so none of its units can die.")
        return
    st.markdown(
        "**Dead units**: the share of each layer's units that answer all images alike.", help=GLOSSARY["dead_unit"]
    )
    _layer_lines(run, "dead", "Dead units", layers, marks, share=True)
    st.caption(
        "Measured on 64 validation images. A ReLU unit is dead when it is zero for all of them, a sigmoid or tanh "
        "unit when it is stuck at its limit: it tells no image from another. Colours run from the first layer "
        "(dark) to the last (light)."
    )


def _layer_lines(run: Run, kind: str, title: str, layers: tuple[str, ...], marks: Sequence[Mark], **how: bool) -> None:
    epochs = planned_epochs(run)
    _key(layers)
    chart(
        layer_chart(title, layers, epochs=epochs, theme=session.theme(), **how),
        _lines(run.id, kind, _moment(run), layers, run.steps_per_epoch),
        key=f"{kind}_{run.id}",
        alt=f"{title} of each layer by epoch",
        marks=mark_rows(marks, kind, epochs),
    )


def _weights(run: Run, marks: Sequence[Mark]) -> None:
    _histograms(run, "weights", "Weights", "how they spread as it learns.")


def _activations(run: Run, marks: Sequence[Mark]) -> None:
    _histograms(run, "activations", "Activations", "the numbers that it puts out for 64 validation images.")


def _histograms(run: Run, kind: str, title: str, words: str) -> None:
    layers = _depth(run, kind)
    if not layers:
        _nothing(run)
        return
    layer = st.selectbox("Layer", layers, key=f"inside_{kind}_{run.id}", persist_state="session", width=220)
    epochs = planned_epochs(run)
    st.markdown(f"**{title} of {layer}**: {words}")
    chart(
        histogram_chart(title, epochs=epochs, theme=session.theme()),
        _cells(run.id, kind, _moment(run), layer, run.steps_per_epoch, epochs),
        key=f"{kind}_{run.id}_{layer}",
        alt=f"The {kind} of {layer} as histograms by epoch",
    )
    st.caption(
        "Each column is a histogram of one moment, the first of them before training: the lighter a cell, the more "
        "of the values lie in it."
    )


def _depth(run: Run, kind: str) -> tuple[str, ...]:
    """Return the layers of which a kind of evidence is there, in the order of the stack."""
    measured = {moment.layer for moment in _measured(run.id, kind, _moment(run))}
    return tuple(name for name in run.spec.layer_names if name in measured)


def _key(layers: Sequence[str]) -> None:
    """Say which colour is which layer."""
    entries = "".join(
        f'<span style="white-space: nowrap"><span style="display: inline-block; width: 18px; margin-right: 6px; '
        f'vertical-align: middle; border-top: 3px {"dashed" if name == NETWORK_LABEL else "solid"} {colour}"></span>'
        f"{html.escape(name)}</span>"
        for name, colour in layer_key(layers, session.theme()).items()
    )
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.8rem">{entries}</div>')


def _nothing(run: Run, words: str = "") -> None:
    """Say why there is nothing to see."""
    if not run.step and run.status.active:
        st.caption("It is measured from the first batch on: nothing yet.")
    else:
        st.caption(words or "This run recorded nothing of the kind: it was made by an earlier version.")


VIEWS: dict[str, tuple[str, Callable[[Run, Sequence[Mark]], None]]] = {
    "gradients": ("Gradients", _gradients),
    "rate": ("Learning rate", _rate),
    "weights": ("Weights", _weights),
    "activations": ("Activations", _activations),
    "dead": ("Dead units", _dead),
}
