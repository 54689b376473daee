"""One run in full: where it stands, how it was made, and what can be done with it."""

import streamlit as st

from core.data.catalog import DATASETS
from core.formatting import dimensions, duration
from core.model.shapes import count_params, summarize
from core.model.spec import ModelSpec, Shape
from core.runs.names import MAX_NAME, MAX_NOTE
from core.runs.records import Run, Status
from core.runs.scores import accuracy_text, caution, split_size, test_accuracy_text, valid_accuracy_text
from core.runs.training_data import why_no_images
from core.train.config import TrainConfig
from core.train.describe import in_words
from pages.sections.runs.export import export_panel
from pages.sections.runs.selection import choose
from pages.sections.runs.table import outlines
from pages.shared.network.missing_images import offer_images
from pages.shared.run import draft_history, settings_form
from pages.shared.run.live_view import LOOKS, summary
from pages.shared.run.names import started
from pages.shared.run.run_controls import buttons, last_refusal, report_refusal, show_refusal
from pages.shared.run.share_link import whole_link
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import escape_markdown, show_errors


def actions(run: Run) -> None:
    """Draw what can be done with a run, and why the last thing asked of it was refused."""
    with st.container(horizontal=True, key="run_actions"):
        if st.button("Open", type="primary", icon=":material/open_in_full:", help="Its curves, on the train page."):
            navigation.go("train", run=run.id)
        buttons(run, "resume", "stop")
        _ask_build(run)
        _ask_name(run)
        _ask_note(run)
        _offer_link(run)
        _ask_delete(run)
    show_refusal(run)


def _ask_build(run: Run) -> None:
    unknown = run.dataset not in DATASETS
    help = why_no_images(run) if unknown else "Its layers, and its settings for the next training."
    pressed = st.button(
        "Build from this network",
        icon=navigation.PAGES["build"].icon,
        disabled=unknown,
        help=help,
        on_click=_take_over,
        args=(run.id,),
    )
    if pressed and not report_refusal(run):
        navigation.go("build")


@last_refusal
def _take_over(run_id: str) -> None:
    run = services.store().get(run_id)
    config = TrainConfig.from_mapping(run.config)
    draft_history.load_draft(run.dataset, run.spec)
    settings_form.take_over(config)


def _ask_name(run: Run) -> None:
    popover, field = f"rename_{run.id}", f"name_{run.id}"
    with (
        st.popover("Rename", icon=":material/edit:", key=popover, on_change="rerun"),
        st.form(f"form_{run.id}", border=False),
    ):
        st.text_input("Name", value=run.name, max_chars=MAX_NAME, width=360, key=field)
        st.form_submit_button("Save name", type="primary", on_click=_rename, args=(run.id, popover, field))


@last_refusal
def _rename(run_id: str, popover: str, field: str) -> None:
    st.session_state[popover] = False
    services.store().rename(run_id, st.session_state[field])


def _ask_note(run: Run) -> None:
    popover, field = f"annotate_{run.id}", f"note_{run.id}"
    with (
        st.popover("Note", icon=":material/sticky_note_2:", key=popover, on_change="rerun"),
        st.form(f"paper_{run.id}", border=False),
    ):
        help = "What you tried and what came of it; shown with the run."
        st.text_area("Note", value=run.note, max_chars=MAX_NOTE, height=180, width=420, key=field, help=help)
        st.form_submit_button("Save note", type="primary", on_click=_annotate, args=(run.id, popover, field))


@last_refusal
def _annotate(run_id: str, popover: str, field: str) -> None:
    st.session_state[popover] = False
    services.store().annotate(run_id, st.session_state[field])


def _ask_delete(run: Run) -> None:
    popover = f"delete_{run.id}"
    training = run.status is Status.RUNNING
    reason = "It is training: stop it first." if training else None
    with st.popover("Delete", icon=":material/delete:", key=popover, on_change="rerun", disabled=training, help=reason):
        st.markdown(f"Delete **{escape_markdown(run.name)}** with its curves and weights? This cannot be undone.")
        args = (run.id, popover)
        st.button("Delete for good", type="primary", key=f"sure_{run.id}", on_click=_delete, args=args)


@last_refusal
def _delete(run_id: str, popover: str) -> None:
    st.session_state[popover] = False
    services.store().delete(run_id)
    choose(None)


def _offer_link(run: Run) -> None:
    with st.popover("Copy link", icon=":material/link:", key=f"link_{run.id}"), show_errors():
        st.markdown("This address opens the build page with this network, its data set and its training settings.")
        link = whole_link(run.dataset, run.spec, TrainConfig.from_mapping(run.config))
        st.code(link, language=None, wrap_lines=True)
        st.caption("The sign in its corner copies it. It holds no weights: export the whole run for those.")


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
            if not run.foreign:
                st.markdown("**Training**")
                _training(run)
        st.markdown("**Export**")
        export_panel(run)


def _standing(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(escape_markdown(run.name), anchor=False, width="content")
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
    began = f"{started(run):%-d %B %Y, %H:%M}"
    course = f"brought in {began}" if run.foreign else f"started {began} · trained for {duration(run.seconds)}"
    st.caption(f"{summary(run)} · {course}")
    if run.message:
        banner = {Status.FAILED: st.error, Status.FINISHED: st.info}.get(run.status, st.warning)
        banner(escape_markdown(run.message))
    if run.note:
        with st.container(border=True, key="run_note"):
            st.text(run.note)
    if run.foreign:
        return
    validation = split_size(run, 1)
    best = outlines().of([run])[run.id].best_valid_accuracy
    values = {
        "Epochs": f"{run.epoch} of {run.config.get('epochs', '?')}",
        "Validation accuracy, last": valid_accuracy_text(run) or "–",
        "Validation accuracy, best": "–" if best is None else accuracy_text(best, validation),
        "Test accuracy": test_accuracy_text(run) or "–",
    }
    with st.grid(4, min_column_width=150):
        for title, value in values.items():
            st.metric(title, value)
    if best is not None and (words := caution(validation)):
        st.caption(f"Validation accuracy: {words}")


def _network(spec: ModelSpec) -> None:
    layers = summarize(spec)
    st.markdown(f"**Network** · {len(layers)} layers, {count_params(spec):,} parameters")
    chain = [f"{_shape(spec.input_shape)} image"]
    for layer in layers:
        if layer.output_shape != layer.input_shape:
            chain.append(f"{layer.name}\u00a0:gray[{_shape(layer.output_shape)}]")
        elif layer.num_params:
            chain.append(layer.name)
    st.markdown(" → ".join(chain))


def _shape(shape: Shape | None) -> str:
    return dimensions(shape or ()).replace(" ", "\u00a0")


def _training(run: Run) -> None:
    images = run.dataset_info.split_sizes[0] if run.dataset_info else 0
    st.markdown("  \n".join(map(escape_markdown, in_words(TrainConfig.from_mapping(run.config), images))))
    changes = [
        f"after batch {event.step:,}: {escape_markdown(event.text)}" for event in services.store().series.events(run.id)
    ]
    if changes:
        st.markdown("Changed while it trained  \n" + "  \n".join(changes))
