"""The weights of a pretrained network: fetched when a person asks for it, with a progress bar and a way out."""

from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.model.zoo import PLACE, ZooInfo
from core.runs.records import Run
from pages.shared.layout import plain, show_errors
from pages.shared.pretrained import Pretrained


def is_ready(run: Run) -> bool:
    """Say whether a network can be looked into; of a pretrained one that is not here, offer the download."""
    if not isinstance(run, Pretrained) or run.info.is_here:
        return True
    _offer(run.info)
    return False


def _offer(info: ZooInfo) -> None:
    """Say what a network is, and offer to fetch it; leaving the page or asking for anything else ends that."""
    host = plain(urlsplit(PLACE).hostname or "its makers")
    with st.container(border=True, key=f"zoo_{info.name}"):
        st.subheader(info.title, anchor=False)
        st.markdown(info.summary)
        with st.container(horizontal=True, gap="medium"):
            st.metric("Right on ImageNet", f"{info.accuracy:g} %", width="content")
            st.metric("Parameters", f"{info.parameters:g} M", width="content")
        st.caption(f"Source: {info.source}  \nLicence: {info.licence}")
        st.markdown(f"Its weights are not on this computer yet. They come from {host}, once, and are kept afterwards.")
        label = f"Download ({info.download_mb:.0f} MB)"
        if st.button(label, type="primary", icon=":material/download:", key=f"fetch_{info.name}"):
            place = st.empty()
            with show_errors():
                with place.container():
                    _fetch(info, st.progress(0.0, text=f"Asking {host} …"))
                st.rerun()
            place.empty()


def _fetch(info: ZooInfo, bar: DeltaGenerator) -> None:
    from core.model.zoo_weights import load_pretrained

    st.button("Cancel", icon=":material/close:", key=f"cancel_{info.name}")
    shown = -1

    def advance(received: int, expected: int) -> None:
        nonlocal shown
        percent = 100 * received // expected
        if percent > shown:  # a block is far less than one percent: not every one is worth a message
            shown = percent
            text = f"{received / 1e6:.0f} of {expected / 1e6:.0f} MB. Stay on this page until it is done."
            bar.progress(percent / 100, text=text if percent < 100 else "Checking …")

    load_pretrained(info.name, advance)
