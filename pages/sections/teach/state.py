"""Which collection of pictures a visitor works on: the one of this session, or after a reload that of the address."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile

from core.data.catalog import DATASETS
from core.data.collection.collection import Collection
from core.data.collection.registry import registry
from core.data.collection.reopening import reopen as put_into_boxes
from core.errors import ConvScopeError
from pages.shared.shell import services

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

DATASET = "dataset"  # the query parameter that names a data set of one's own to be sorted anew
TOKEN = "boxes"  # the query parameter that names the collection
_NOTICE = "teach_notice"
HOLDER = "teach_holder"


def collection() -> Collection:
    """Return the visitor's collection, a new one where there is none; raises `ConvScopeError` where none can be."""
    holder, found = _holder(), None
    for token in (st.session_state.get(TOKEN, ""), st.query_params.get(TOKEN, "")):
        found = found or (registry().hold(token, holder) if token else None)
    found = found or registry().open(holder)
    st.session_state[TOKEN] = found.token
    st.query_params[TOKEN] = found.token
    return found


def reopen() -> None:
    """Open the data set that the address names as a collection of its own; the one before stays where it was."""
    name = st.query_params.pop(DATASET, "")
    if name not in DATASETS:
        return
    opened = registry().open(_holder())
    try:
        with st.spinner("Opening its pictures …"):
            put_into_boxes(opened, services.dataset(name))
    except ConvScopeError:
        registry().release(opened.token)
        raise
    st.session_state[TOKEN] = opened.token


def _holder() -> str:
    """Return the session, by the name under which the server says that it is gone."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        return context.session_id
    name: str = st.session_state.setdefault(HOLDER, secrets.token_hex(8))
    return name


def trying(change: Callable[..., object], *args: Any) -> None:
    """Make a change in answer to a press; where it cannot be made, say why above the classes."""
    try:
        change(*args)
    except ConvScopeError as error:
        say(str(error))


def say(words: str) -> None:
    """Say something above the classes when they are drawn next."""
    st.session_state[_NOTICE] = [*st.session_state.get(_NOTICE, []), words]


def said() -> list[str]:
    """Return what is to be said, once."""
    words: list[str] = st.session_state.pop(_NOTICE, [])
    return words


def taken(key: str) -> list[tuple[str, Callable[[], bytes]]]:
    """Return path and content of the files of an uploader, which the server does not hold any longer once read.

    Files that the server does not hold any more, as the browser or a limit has taken them back, are left out.
    """
    files = st.session_state.get(key) or []
    return [(file.name, partial(_content, file)) for file in files if not isinstance(file, DeletedFile)]


def _content(file: "UploadedFile") -> bytes:
    data = file.getvalue()
    context = get_script_run_ctx()
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if context is not None and isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(context.session_id, file.file_id)
    return data
