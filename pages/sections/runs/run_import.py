"""The one place where files come in: an archive of a run, or a network of another program with what is asked of it."""

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError
from core.exchange.foreign.registry import PickleRefusedError
from core.exchange.layout import ARCHIVE, MB, RunLimits
from pages.sections.runs.foreign_network import foreign_network
from pages.shared.shell import services
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

ASKED = "open_file"  # the parameter of an address that leads here
_OUTCOME, _UPLOADS = "import_outcome", "import_uploads"


def import_panel() -> None:
    """Draw the place for a file; the address then names the run that came out of it."""
    key = f"import_{st.session_state.get(_UPLOADS, 0)}"
    waiting = st.session_state.get(key) is not None
    opened = waiting or _OUTCOME in st.session_state or ASKED in st.query_params
    with st.expander("Import a run, or a network of another program", expanded=opened, icon=":material/upload_file:"):
        file = st.file_uploader(
            "A run of ConvScope (zip), or a network: Keras (keras, h5), ONNX, safetensors",
            key=key,
            on_change=_take_in,
            args=(key,),
            max_upload_size=min(st.get_option("server.maxUploadSize"), RunLimits().archive // MB),
            help='A zip is what "Whole run" saved, here or on another machine: curves, weights, settings and notes '
            "come back. Of other files only layers and weights are read, nothing in them is executed. "
            "For a file above the limit: python -m core.exchange import FILE.",
        )
        if outcome := st.session_state.get(_OUTCOME):  # stays until the next upload: the page may tick meanwhile
            fine, words = outcome
            (st.success if fine else st.error)(
                escape_markdown(words), icon=":material/check:" if fine else ":material/error:"
            )
        if file is not None:
            _foreign(file)


def _foreign(file: "UploadedFile") -> None:
    try:
        foreign_network(file, _taken)
    except PickleRefusedError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.code(error.code, language="python", wrap_lines=True)
    except ConvScopeError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")


def _take_in(key: str) -> None:
    """Import an archive that was uploaded, before the page is drawn again; another file waits for answers."""
    from core.exchange.import_archive import import_run

    file = st.session_state.get(key)
    st.session_state.pop(_OUTCOME, None)
    if file is None or not file.name.lower().endswith(ARCHIVE):
        return
    try:
        _taken(import_run(services.store(), file.getvalue()))
    except ConvScopeError as error:
        _make_room()
        st.session_state[_OUTCOME] = (False, str(error))


def _taken(run_id: str) -> None:
    """Choose a run that came in, say so, and make room for another file."""
    run = services.store().get(run_id)
    _make_room()
    st.query_params["run"] = run.id
    st.query_params.pop(ASKED, None)
    st.session_state[_OUTCOME] = (True, f"{run.name} is here now, and chosen.")


def _make_room() -> None:
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # a new key: the file is given back
