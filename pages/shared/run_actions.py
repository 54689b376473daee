"""What can be done with a run; a press is handled before the page is drawn, so that no further run of it is needed."""

import streamlit as st

from core.data.catalog import DATASETS
from core.runs.records import Run, Status
from core.runs.training_data import why_no_images
from core.train.config import TrainConfig
from pages.shared import edits, menu, settings, state
from pages.shared.layout import plain, show_errors
from pages.shared.links import whole_link
from pages.shared.refusals import answered, refused, show_refusal
from pages.shared.run_choice import choose
from pages.shared.transport import buttons

MAX_NOTE = 2000


def actions(run: Run) -> None:
    """Draw what can be done with a run, and why the last thing asked of it was refused."""
    with st.container(horizontal=True, key="run_actions"):
        if st.button("Open", type="primary", icon=":material/open_in_full:", help="Its curves, on the train page."):
            menu.go("train", run=run.id)
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
        icon=menu.PAGES["build"].icon,
        disabled=unknown,
        help=help,
        on_click=_take_over,
        args=(run.id,),
    )
    if pressed and not refused(run):
        menu.go("build")


@answered
def _take_over(run_id: str) -> None:
    run = state.store().get(run_id)
    config = TrainConfig.from_mapping(run.config)
    edits.take_over(run.dataset, run.spec)
    settings.take_over(config)


def _ask_name(run: Run) -> None:
    popover, field = f"rename_{run.id}", f"name_{run.id}"
    with (
        st.popover("Rename", icon=":material/edit:", key=popover, on_change="rerun"),
        st.form(f"form_{run.id}", border=False),
    ):
        st.text_input("Name", value=run.name, max_chars=80, width=360, key=field)
        st.form_submit_button("Save name", type="primary", on_click=_rename, args=(run.id, popover, field))


@answered
def _rename(run_id: str, popover: str, field: str) -> None:
    st.session_state[popover] = False
    state.store().rename(run_id, st.session_state[field])


def _ask_note(run: Run) -> None:
    popover, field = f"annotate_{run.id}", f"note_{run.id}"
    with (
        st.popover("Note", icon=":material/sticky_note_2:", key=popover, on_change="rerun"),
        st.form(f"paper_{run.id}", border=False),
    ):
        help = "What you tried and what came of it; shown with the run."
        st.text_area("Note", value=run.note, max_chars=MAX_NOTE, height=180, width=420, key=field, help=help)
        st.form_submit_button("Save note", type="primary", on_click=_annotate, args=(run.id, popover, field))


@answered
def _annotate(run_id: str, popover: str, field: str) -> None:
    st.session_state[popover] = False
    state.store().annotate(run_id, st.session_state[field])


def _ask_delete(run: Run) -> None:
    popover = f"delete_{run.id}"
    training = run.status is Status.RUNNING
    reason = "It is training: stop it first." if training else None
    with st.popover("Delete", icon=":material/delete:", key=popover, on_change="rerun", disabled=training, help=reason):
        st.markdown(f"Delete **{plain(run.name)}** with its curves and weights? This cannot be undone.")
        args = (run.id, popover)
        st.button("Delete for good", type="primary", key=f"sure_{run.id}", on_click=_delete, args=args)


@answered
def _delete(run_id: str, popover: str) -> None:
    st.session_state[popover] = False
    state.store().delete(run_id)
    choose(None)


def _offer_link(run: Run) -> None:
    with st.popover("Copy link", icon=":material/link:", key=f"link_{run.id}"), show_errors():
        st.markdown("This address opens the build page with this network, its data set and its training settings.")
        link = whole_link(run.dataset, run.spec, TrainConfig.from_mapping(run.config))
        st.code(link, language=None, wrap_lines=True)
        st.caption("The sign in its corner copies it. It holds no weights: export the whole run for those.")
