"""What happened to the run database while the app ran: said on every page that lists or follows runs, until read."""

import streamlit as st

from pages.shared.shell import services
from pages.shared.shell.layout import escape_markdown


def show_incident() -> None:
    """Say what happened to the run database, if anything did and nobody has read it yet."""
    if not services.store().incident:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="incident"):
        st.warning(escape_markdown(services.store().incident), icon=":material/database:")
        st.button("OK", key="incident_read", on_click=_read)


def show_strays() -> None:
    """Say which folders hold weights that belong to no run."""
    if strays := services.store().recovery.strays:
        folder = escape_markdown(str(services.store().folder))
        st.caption(
            f"Weights without a training in {folder}: {escape_markdown(', '.join(strays))}. An earlier version "
            "wrote them and "
            "nothing says which networks they are of; delete these folders if you do not need them."
        )


def _read() -> None:
    services.store().dismiss_incident()
