"""One run in full: where it stands, how it was made, and what can be done with it."""

import streamlit as st

from core.model.shapes import summarize
from core.model.spec import ModelSpec, Shape
from core.runs.records import Run, Status
from core.train.config import TrainConfig
from core.train.wording import in_words
from pages.shared import state
from pages.shared.exports import export_panel
from pages.shared.layout import plain, show_errors
from pages.shared.live import LOOKS, duration, summary
from pages.shared.missing_images import offer_images
from pages.shared.run_actions import actions
from pages.shared.runs_table import outlines, started


def details(run: Run) -> None:
    """Show a run and offer what can be done with it."""
    with st.container(border=True, key="run_details"):
        _standing(run)
        actions(run)
        offer_images(run)
        network, settings = st.columns([3, 2], gap="medium")
        with network:
            _network(run.spec)
        with settings, show_errors():
            st.markdown("**Training**")
            _training(run)
        st.markdown("**Export**")
        export_panel(run)


def _standing(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(run.name), anchor=False, width="content")
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
    st.caption(f"{summary(run)} · started {started(run):%-d %B %Y, %H:%M} · trained for {duration(run.seconds)}")
    if run.message:
        banner = {Status.FAILED: st.error, Status.FINISHED: st.info}.get(run.status, st.warning)
        banner(plain(run.message))
    if run.note:
        with st.container(border=True, key="run_note"):
            st.text(run.note)
    best = outlines().of([run])[run.id].best_valid_accuracy
    values = {
        "Epochs": f"{run.epoch} of {run.config.get('epochs', '?')}",
        "Validation accuracy, last": _percent(run.valid_accuracy),
        "Validation accuracy, best": _percent(best),
        "Test accuracy": _percent(run.test_accuracy),
    }
    with st.grid(4, min_column_width=150):
        for title, value in values.items():
            st.metric(title, value)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _network(spec: ModelSpec) -> None:
    layers = summarize(spec)
    total = sum(layer.num_params for layer in layers)
    st.markdown(f"**Network** · {len(layers)} layers, {total:,} parameters")
    chain = [f"{_shape(spec.input_shape)} image"]
    for layer in layers:
        if layer.output_shape != layer.input_shape:
            chain.append(f"{layer.name}\u00a0:gray[{_shape(layer.output_shape)}]")
        elif layer.num_params:
            chain.append(layer.name)
    st.markdown(" → ".join(chain))


def _shape(shape: Shape | None) -> str:
    return " × ".join(map(str, shape or ())).replace(" ", "\u00a0")


def _training(run: Run) -> None:
    images = run.dataset_info.split_sizes[0] if run.dataset_info else 0
    st.markdown("  \n".join(map(plain, in_words(TrainConfig.from_mapping(run.config), images))))
    changes = [f"after batch {event.step:,}: {plain(event.text)}" for event in state.store().events(run.id)]
    if changes:
        st.markdown("Changed while it trained  \n" + "  \n".join(changes))
