"""One run in full: where it stands, how it was made, and what can be done with it."""

import streamlit as st

from core.data.catalog import DATASETS
from core.model.shapes import summarize
from core.model.spec import ModelSpec, Shape
from core.runs.records import Run, Status
from core.train.config import OPTIMIZERS, TrainConfig
from pages.shared import edits, menu, state
from pages.shared.layout import plain, show_errors
from pages.shared.live import ACTIONS, LOOKS, duration, summary
from pages.shared.runs_table import TICK_SECONDS, course, started


def details(run: Run) -> None:
    """Show a run and offer what can be done with it."""
    with st.container(border=True, key="run_details"):

        @st.fragment(run_every=TICK_SECONDS if run.status.active else None)
        def tick() -> None:
            with show_errors():
                _standing(state.store().get(run.id))

        tick()
        _actions(run)
        network, settings = st.columns([3, 2], gap="medium")
        with network:
            _network(run.spec)
        with settings, show_errors():
            st.markdown("**Training**")
            st.markdown(in_words(TrainConfig.from_mapping(run.config), run.dataset))


def _standing(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(run.name), anchor=False, width="content")
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
    st.caption(f"{summary(run)} · started {started(run):%-d %B %Y, %H:%M} · trained for {duration(run.seconds)}")
    if run.message:
        (st.error if run.status is Status.FAILED else st.warning)(plain(run.message))
    best = course(run).best_valid_accuracy
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


def _actions(run: Run) -> None:
    with st.container(horizontal=True, key="run_actions"):
        if st.button("Open", type="primary", icon=":material/open_in_full:", help="Its curves, on the train page."):
            menu.go("train", run=run.id)
        asked = [what for what in ("resume", "stop") if _offered(what, run)]
        build = st.button(
            "Build from this network", icon=menu.PAGES["build"].icon, disabled=run.dataset not in DATASETS
        )
        name = _ask_name(run)
        delete = _ask_delete(run)
    with show_errors():
        for what in asked:
            state.engine().request(run.id, what)
        if name is not None:
            state.store().rename(run.id, name)
        if delete:
            state.store().delete(run.id)
            st.query_params.pop("run", None)
        if asked or delete or name is not None:
            st.rerun()
        if build:
            edits.take_over(run.dataset, run.spec)
            menu.go("build")


def _offered(what: str, run: Run) -> bool:
    label, icon, states = ACTIONS[what]
    return run.status in states and st.button(label, icon=icon, key=f"{what}_{run.id}")


def _ask_name(run: Run) -> str | None:
    key = f"rename_{run.id}"
    popover = st.popover("Rename", icon=":material/edit:", key=key, on_change="rerun")
    with popover, st.form(f"form_{run.id}", border=False):
        name = st.text_input("Name", value=run.name, max_chars=80, width=360)
        saved = st.form_submit_button("Save name", type="primary", on_click=_close, args=(key,))
    return name if saved else None


def _ask_delete(run: Run) -> bool:
    key = f"delete_{run.id}"
    training = run.status is Status.RUNNING
    reason = "It is training: stop it first." if training else None
    with st.popover("Delete", icon=":material/delete:", key=key, on_change="rerun", disabled=training, help=reason):
        st.markdown(f"Delete **{plain(run.name)}** with its curves and weights? This cannot be undone.")
        return st.button("Delete for good", type="primary", key=f"sure_{run.id}", on_click=_close, args=(key,))


def _close(popover: str) -> None:
    st.session_state[popover] = False


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


def in_words(config: TrainConfig, dataset: str) -> str:
    """Say in Markdown how a training is done."""
    whole = DATASETS[dataset].split_sizes[0] if dataset in DATASETS else 0
    images = config.train_images or whole
    epochs = "once" if config.epochs == 1 else f"{config.epochs} times"
    rule = f"{OPTIMIZERS[config.optimizer].title}, learning rate {config.lr:g}"
    rule += f", momentum {config.momentum:g}" if config.optimizer == "momentum" else ""
    rule += f", weight decay {config.weight_decay:g}" if config.weight_decay else ""
    return (
        f"Sees {images:,} training images {epochs}, {config.batch_size:,} at a time.  \n"
        f"{rule}.  \n"
        f"Seed {config.seed}, precision {config.precision}, device {config.device}."
    )
