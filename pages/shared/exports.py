"""Runs on their way out of the app and in again: a row of downloads, and a place to drop an archive."""

from functools import partial

import streamlit as st

from core.errors import ConvScopeError
from core.exchange.layout import MB, Limits, missing_weights, stem
from core.extras import why_missing
from core.runs.records import Run
from core.runs.training_data import why_no_scale
from pages.shared import state
from pages.shared.layout import plain
from pages.shared.report_panel import report_panel
from pages.shared.run_files import DOWNLOADS

_OUTCOME, _UPLOADS = "import_outcome", "import_uploads"


def export_panel(run: Run) -> None:
    """Draw a row of buttons that save a run; a file is made only when it is asked for."""
    store = state.store()  # here: the files are made in another thread, without a session
    nothing = "" if run.step else "Nothing of this run is recorded yet: let it train a moment."
    with st.container(horizontal=True, key="exports"):
        for download in DOWNLOADS:
            reason = nothing or (missing_weights(store.checkpoint(run.id)) if download.weights else "")
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


def import_panel() -> None:
    """Draw the place for an archive; the address then names the run that came out of it."""
    uploads = st.session_state.get(_UPLOADS, 0)
    key = f"import_{uploads}"
    st.file_uploader(
        "Import a run",
        type="zip",
        key=key,
        on_change=_take_in,
        args=(key,),
        max_upload_size=min(st.get_option("server.maxUploadSize"), Limits().archive // MB),
        help='What "Whole run" saved, here or on another machine: curves, weights, settings and notes come back. '
        "For a file above the limit: python -m core.exchange import FILE.",
    )
    if outcome := st.session_state.get(_OUTCOME):  # stays until the next upload: the page may tick meanwhile
        fine, words = outcome
        (st.success if fine else st.error)(plain(words), icon=":material/check:" if fine else ":material/error:")


def _take_in(key: str) -> None:
    """Import what was uploaded, before the page is drawn again, and make room for another upload."""
    from core.exchange.restore import import_run

    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # a new key: the file is given back
    try:
        run = state.store().get(import_run(state.store(), file.getvalue()))
        st.query_params["run"] = run.id
        st.session_state[_OUTCOME] = (True, f"{run.name} is here now, and chosen.")
    except ConvScopeError as error:
        st.session_state[_OUTCOME] = (False, str(error))
