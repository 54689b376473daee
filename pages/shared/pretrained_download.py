"""The weights of a pretrained network: fetched when a person asks for it."""

from urllib.parse import urlsplit

import streamlit as st

from core.inference.network import Network
from core.model.zoo import PLACE, ZooInfo
from pages.shared.downloads import download_panel
from pages.shared.jobs import Progress
from pages.shared.layout import plain


def is_ready(network: Network) -> bool:
    """Say whether a network can be looked into; of a pretrained one that is not here, offer the download."""
    if network.pretrained is None or network.pretrained.is_here:
        return True
    _offer(network.pretrained)
    return False


def _offer(info: ZooInfo) -> None:
    """Say what a network is, and offer to fetch it."""
    host = plain(urlsplit(PLACE).hostname or "its makers")
    with st.container(border=True, key=f"zoo_{info.name}"):
        st.subheader(info.title, anchor=False)
        st.markdown(info.summary)
        with st.container(horizontal=True, gap="medium"):
            st.metric("Right on ImageNet", f"{info.accuracy:g} %", width="content")
            st.metric("Parameters", f"{info.parameters:g} M", width="content")
        st.caption(f"Source: {info.source}  \nLicence: {info.licence}")
        st.markdown(f"Its weights are not on this computer yet. They come from {host}, once, and are kept afterwards.")

        def fetch(tell: Progress) -> None:
            from core.model.zoo_weights import load_pretrained

            load_pretrained(info.name, tell)

        download_panel(info.name, info.download_mb or 0.0, fetch)
