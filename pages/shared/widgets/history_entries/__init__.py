"""One step back in the browser for each thing that a visitor does, however often the address changes meanwhile."""

from pathlib import Path

import streamlit as st

_JS = Path(__file__).with_name("history_entries.js").read_text(encoding="utf-8")
_entries = st.components.v2.component("history_entries", js=_JS)


def one_entry_an_act() -> None:
    """Let changes of the address that nobody asked for replace the newest entry of the history; draw it on each page.

    Streamlit adds an entry for every change, the parameters included that a page sets as it opens.
    """
    _entries(key="history_entries", height=0)
