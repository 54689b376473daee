"""How the names in an archive are read, and what its classes are called: asked before the pictures come in."""

import streamlit as st

from core.data.folders import MAX_CLASS_NAME, Naming, Survey
from core.data.names import ENCODINGS
from core.errors import ConvScopeError
from pages.shared.layout import plain
from pages.shared.own_sources import Source

_NAMINGS, _REFUSAL = "own_namings", "own_naming_refusal"


def naming_of(source: Source) -> Naming:
    """Return what was said of the names in an archive so far."""
    kept: Naming = st.session_state.get(_NAMINGS, {}).get(source.key, Naming())
    return kept


def _keep(source: Source, naming: Naming) -> None:
    st.session_state[_NAMINGS] = {source.key: naming}  # of the archive at hand only


def ask_naming(source: Source, found: Survey) -> None:
    """Offer other letters, where they were guessed, and other names for classes."""
    if words := st.session_state.pop(_REFUSAL, ""):
        st.error(plain(words), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found.encoding:
            field = f"own_letters_{source.key}"
            st.selectbox(
                "Letters of the names",
                list(ENCODINGS),
                index=list(ENCODINGS).index(found.encoding),
                format_func=lambda key: f"{ENCODINGS[key]} ({key})",
                key=field,
                width=260,
                on_change=_reread,
                args=(source, field),
            )
        with st.popover("Rename a class", icon=":material/edit:", key="own_rename_class", on_change="rerun"):
            _ask_rename(source, found)


def _ask_rename(source: Source, found: Survey) -> None:
    old, new = f"own_class_old_{source.key}", f"own_class_new_{source.key}"
    with st.form("own_class_form", border=False):
        st.selectbox("Class", found.class_names, key=old, width=320)
        st.text_input("New name", max_chars=MAX_CLASS_NAME, key=new, width=320)
        st.caption("Two classes of one name become one.")
        st.form_submit_button("Save class name", type="primary", on_click=_rename, args=(source, old, new))


def _reread(source: Source, field: str) -> None:
    _keep(source, Naming(st.session_state[field]))  # names given to misread ones mean nothing any more


def _rename(source: Source, old: str, new: str) -> None:
    st.session_state["own_rename_class"] = False
    try:
        _keep(source, naming_of(source).rename(st.session_state[old], st.session_state[new]))
    except ConvScopeError as error:
        st.session_state[_REFUSAL] = str(error)
