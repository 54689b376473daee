"""Downloads: begun by a press, shared by all visitors, and not ended by leaving the page."""

from collections.abc import Callable

import streamlit as st

from core.progress import Progress
from pages.shared.shell.background_jobs import Lane, background, forget, is_watched


@st.fragment
def download_panel(name: str, megabytes: float, fetch: Callable[[Progress], object]) -> None:
    """Offer a download or show how far it is; once it is here, the whole page is drawn anew.

    Args:
        name: What is fetched, a name of its own among all downloads.
        megabytes: Its size.
        fetch: Fetches it and keeps it on the disk; tells the bytes received and expected.
    """
    key, place = ("download", name), f"download_{name}"

    def work(tell: Progress) -> bool:
        fetch(tell)
        return True

    if background(
        key,
        work,
        words=f"Downloading {megabytes:.0f} MB",
        place=place,
        ask=f"Download ({megabytes:.0f} MB)",
        icon=":material/download:",
        primary=True,
        lane=Lane.DOWNLOAD,
        lasting=True,
    ):
        forget(place, key)
        st.rerun()
    if is_watched(key):
        st.caption("It goes on while you look at other pages.")
