"""A row of buttons that save a run, each as another kind of file."""

from functools import partial

import streamlit as st

from core.errors import StorageError
from core.exchange.layout import missing_weights, stem
from core.extras import why_missing
from core.runs.records import Run
from core.runs.training_data import why_no_scale
from pages.sections.runs.downloads import DOWNLOADS
from pages.sections.runs.lab_report import report_panel
from pages.shared.shell import services


def export_panel(run: Run) -> None:
    """Draw a row of buttons that save a run; a file is made only when it is asked for."""
    store = services.store()  # here: the files are made in another thread, without a session
    nothing = "" if run.learned else "Nothing of this run is recorded yet: let it train a moment."
    with st.container(horizontal=True, key="exports"):
        for download in DOWNLOADS:
            reason = nothing or (_missing_weights(run) if download.weights else "")
            reason = reason or (why_no_scale(run) if download.pixels else "")
            reason = reason or (why_missing(download.extra) if download.extra else "")
            st.download_button(
                download.label,
                partial(download.make, store, run),
                file_name=download.file.format(stem=stem(run.name), created=int(run.created)),
                mime=download.mime,
                key=f"export_{download.label}_{run.id}",
                help=reason or download.help,
                disabled=bool(reason),
                icon=download.icon,
                on_click="ignore",
            )
    if not nothing:
        report_panel(run)


def _missing_weights(run: Run) -> str:
    try:
        return missing_weights(services.store().checkpoint(run.id))
    except StorageError as error:  # the object store that has them
        return str(error)
