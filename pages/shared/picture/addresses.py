"""The picture in the address: `?picture=sample:cat`, `?picture=test:17`, `?picture=valid:17`, `?picture=own:…`.

A picture of a visitor's own cannot stand in an address. The server keeps it for a while under a random name, in memory
alone, so that a reload of the page finds it again; after that the page says that it has to be given once more.
"""

import re
import secrets

import streamlit as st

from core.inference.network import Network
from pages.shared.picture.samples import SAMPLES
from pages.shared.picture.split_images import SPLITS
from pages.shared.shell import session

NAME = "picture"
KEPT_SECONDS, KEPT_PICTURES = 3600, 64  # of at most 4 MB each
GONE = "The picture that was chosen here is gone, as the page was reloaded or the app started again: give it once more."


def take_address(network: Network) -> None:
    """Choose the picture that the address asks for, once: what is chosen later counts more."""
    requested = st.query_params.get(NAME)
    if requested is None or requested in (st.session_state.get("picture_address"), st.session_state.get("own_address")):
        return
    kind, _, which = requested.partition(":")
    st.session_state["own_address" if kind == "own" else "picture_address"] = requested
    if kind == "sample" and which in SAMPLES:
        session.choose(session.PictureSelection("sample", which))
    elif kind == "own":
        uploads = _kept(which) if re.fullmatch(r"[A-Za-z0-9_-]{16}", which) else []
        if uploads:
            session.choose(uploads[-1])
        else:
            st.info(GONE, icon=":material/image_not_supported:")
            del st.query_params[NAME]
    elif kind in SPLITS and re.fullmatch(r"[0-9]{1,9}", which, re.ASCII) and not network.why_no_images:
        index = min(int(which), len(network.dataset().split(kind)) - 1)
        session.choose(session.PictureSelection("test", network.dataset_name, index=index, split=kind))
    else:
        names = ", ".join(f"sample:{name}" for name in SAMPLES)
        st.warning(
            f"The address asks for a picture that is not here. It can name {names}, or test: or valid: and a number."
        )
        del st.query_params[NAME]


def put_address(choice: session.PictureSelection) -> None:
    """Let the address name the picture.

    The one that a picture of one's own replaces stays known: a request that was under way with it must not choose
    that picture again.
    """
    named = {"sample": f"sample:{choice.name}", "test": f"{choice.split}:{choice.index}"}.get(choice.kind)
    if choice.data:
        named = st.session_state["own_address"] = f"own:{_keep(choice)}"
    elif named is not None:
        st.session_state["picture_address"] = named
    if named is None:
        st.query_params.pop(NAME, None)
    elif st.query_params.get(NAME) != named:
        st.query_params[NAME] = named


@st.cache_resource(show_spinner=False, ttl=KEPT_SECONDS, max_entries=KEPT_PICTURES)
def _kept(name: str) -> list[session.PictureSelection]:
    """Return the place of one session's picture: empty, or with its latest choice."""
    return []


def _keep(choice: session.PictureSelection) -> str:
    """Keep this session's picture in the place of the one before, and return the name of the place."""
    name: str = st.session_state.setdefault("own_picture", secrets.token_urlsafe(12))
    _kept(name)[:] = [choice]
    return name
