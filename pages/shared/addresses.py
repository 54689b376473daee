"""The picture in the address: `?picture=sample:cat`, `?picture=test:17`, `?picture=valid:17`."""

import re

import streamlit as st

from core.runs.records import Run
from pages.shared import state
from pages.shared.pretrained import Pretrained
from pages.shared.sample_pictures import SAMPLES
from pages.shared.split_images import SPLITS

NAME = "picture"


def take_address(run: Run) -> None:
    """Choose the picture that the address asks for, once: what is chosen later counts more."""
    asked = st.query_params.get(NAME)
    if asked is None or asked == st.session_state.get("picture_address"):
        return
    st.session_state["picture_address"] = asked
    kind, _, which = asked.partition(":")
    if kind == "sample" and which in SAMPLES:
        state.choose(state.Choice("sample", which))
    elif kind in SPLITS and re.fullmatch(r"[0-9]{1,9}", which, re.ASCII) and not isinstance(run, Pretrained):
        index = min(int(which), len(getattr(state.dataset(run.dataset), kind)) - 1)
        state.choose(state.Choice("test", run.dataset, index=index, split=kind))
    else:
        names = ", ".join(f"sample:{name}" for name in SAMPLES)
        st.warning(
            f"The address asks for a picture that is not here. It can name {names}, or test: or valid: and a number."
        )
        del st.query_params[NAME]


def put_address(choice: state.Choice) -> None:
    """Let the address name the picture where it can: a sample or a test image.

    One that is dropped stays known: a request that was under way with it must not choose that picture again.
    """
    named = {"sample": f"sample:{choice.name}", "test": f"{choice.split}:{choice.index}"}.get(choice.kind)
    if named is None:
        st.query_params.pop(NAME, None)
        return
    st.session_state["picture_address"] = named
    if st.query_params.get(NAME) != named:
        st.query_params[NAME] = named
