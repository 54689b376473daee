"""The place for an archive of a run: it is taken in, and then chosen."""

import streamlit as st

from core.errors import ConvScopeError
from core.exchange.layout import MB, RunLimits
from pages.shared.shell import services
from pages.shared.shell.layout import escape_markdown

_OUTCOME, _UPLOADS = "import_outcome", "import_uploads"


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
        max_upload_size=min(st.get_option("server.maxUploadSize"), RunLimits().archive // MB),
        help='What "Whole run" saved, here or on another machine: curves, weights, settings and notes come back. '
        "For a file above the limit: python -m core.exchange import FILE.",
    )
    if outcome := st.session_state.get(_OUTCOME):  # stays until the next upload: the page may tick meanwhile
        fine, words = outcome
        (st.success if fine else st.error)(
            escape_markdown(words), icon=":material/check:" if fine else ":material/error:"
        )


def _take_in(key: str) -> None:
    """Import what was uploaded, before the page is drawn again, and make room for another upload."""
    from core.exchange.import_archive import import_run

    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # a new key: the file is given back
    try:
        run = services.store().get(import_run(services.store(), file.getvalue()))
        st.query_params["run"] = run.id
        st.session_state[_OUTCOME] = (True, f"{run.name} is here now, and chosen.")
    except ConvScopeError as error:
        st.session_state[_OUTCOME] = (False, str(error))
