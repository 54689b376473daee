"""A data set of one's own: what was noticed when it came in, another name, and its end."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data import user_datasets
from core.data.collection.reopening import fits_in_boxes
from core.data.dataset_info import DatasetInfo
from core.errors import ConvScopeError
from core.formatting import counted
from core.runs.records import Run
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import escape_markdown, show_errors

_REFUSAL = "own_refusal"
_NAMED = 5  # trainings that are named; of the others only the number is told


def manage_panel(info: DatasetInfo) -> None:
    """Offer to rename and to delete it, and say what was noticed when it came in."""
    with st.container(horizontal=True):
        _ask_name(info)
        _ask_delete(info)
        if fits_in_boxes(info):
            navigation.link(
                "teach", "Sort its pictures anew", icon=":material/photo_library:", run=None, dataset=info.name
            )
    if words := st.session_state.pop(_REFUSAL, ""):
        st.error(escape_markdown(words), icon=":material/error:")
    _noticed(user_datasets.report(info.name))


def _noticed(report: user_datasets.Report) -> None:
    if report.archive:
        st.caption(f"Brought in from {escape_markdown(report.archive)}.")
    for words in report.notes:
        st.caption(f":material/info: {escape_markdown(words)}")
    for words in report.warnings:
        st.warning(escape_markdown(words), icon=":material/warning:")
    if report.num_skipped:
        with st.expander(f"{counted(report.num_skipped, 'file')} left out", icon=":material/block:"):
            rows = [{"File": file, "Because": reason} for file, reason in report.skipped]
            st.dataframe(pd.DataFrame(rows), hide_index=True)
            if report.num_skipped > len(rows):
                st.caption(f"The first {len(rows)} are listed.")


def _ask_name(info: DatasetInfo) -> None:
    popover, field = f"own_rename_{info.name}", f"own_new_{info.name}"
    with (
        st.popover("Rename", icon=":material/edit:", key=popover, on_change="rerun"),
        st.form(f"own_form_{info.name}", border=False),
    ):
        st.text_input("Name", value=info.title, max_chars=user_datasets.MAX_TITLE, width=320, key=field)
        st.form_submit_button("Save name", type="primary", on_click=_rename, args=(info.name, popover, field))


def _rename(name: str, popover: str, field: str) -> None:
    st.session_state[popover] = False
    try:
        user_datasets.rename_dataset(name, st.session_state[field])
        services.dataset.clear(name)
    except ConvScopeError as error:
        st.session_state[_REFUSAL] = str(error)


def _ask_delete(info: DatasetInfo) -> None:
    popover = f"own_delete_{info.name}"
    with st.popover("Delete", icon=":material/delete:", key=popover, on_change="rerun"), show_errors():
        runs = _learned(info.name)
        busy = any(run.status.active for run in runs)
        st.markdown(
            f"Delete **{escape_markdown(info.title)}** with its {info.num_images:,} pictures? This cannot be undone."
        )
        if busy:
            st.warning("A training uses it right now or waits for it: stop that first.", icon=":material/block:")
        elif runs:
            unfinished = [run for run in runs if run.status.resumable]
            if unfinished:
                st.warning(_unfinished(unfinished), icon=":material/warning:")
            many = (
                f"{len(runs)} trainings have learned from it: they stay"
                if len(runs) > 1
                else ("One training has learned from it: it stays")
            )
            st.markdown(
                f"{many}, with weights and curves, and can still look at pictures that you upload; the images of the "
                "data set are gone for good. Bringing the same files in again under the same name brings them back."
            )
        st.button(
            "Delete for good",
            type="primary",
            key=f"own_sure_{info.name}",
            disabled=busy,
            on_click=_delete,
            args=(info.name, popover),
        )


def _unfinished(runs: Sequence[Run]) -> str:
    names = ", ".join(f"**{escape_markdown(run.name)}**" for run in runs[:_NAMED])
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return f"Not finished: {names}{more}. Without these images they cannot be resumed."


def _learned(name: str) -> list[Run]:
    return list(services.store().list(dataset=name))


def _delete(name: str, popover: str) -> None:
    st.session_state[popover] = False
    try:
        runs = _learned(name)
        if any(run.status.active for run in runs):
            st.session_state[_REFUSAL] = "A training uses it or waits for it by now: stop that first."
            return
        user_datasets.delete_dataset(name, remember=bool(runs))
    except ConvScopeError as error:
        st.session_state[_REFUSAL] = str(error)
        return
    services.dataset.clear(name)
    st.query_params.pop("dataset", None)
