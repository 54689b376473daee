"""The picture in the address: `?picture=sample:cat`, `?picture=test:17`."""

import re

import streamlit as st

from core.runs.records import Run
from pages.shared import state
from pages.shared.pretrained import Pretrained
from pages.shared.sample_pictures import SAMPLES

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
    elif kind == "test" and re.fullmatch(r"[0-9]{1,9}", which, re.ASCII) and not isinstance(run, Pretrained):
        index = min(int(which), len(state.dataset(run.dataset).test) - 1)
        state.choose(state.Choice("test", run.dataset, index=index))
    else:
        names = ", ".join(f"sample:{name}" for name in SAMPLES)
        st.warning(f"The address asks for a picture that is not here. It can name {names}, or test: and a number.")
        del st.query_params[NAME]


def put_address(choice: state.Choice) -> None:
    """Let the address name the picture where it can: a sample or a test image.

    One that is dropped stays known: a request that was under way with it must not choose that picture again.
    """
    which = {"sample": choice.name, "test": str(choice.index)}.get(choice.kind)
    if which is None:
        st.query_params.pop(NAME, None)
        return
    st.session_state["picture_address"] = f"{choice.kind}:{which}"
    if st.query_params.get(NAME) != f"{choice.kind}:{which}":
        st.query_params[NAME] = f"{choice.kind}:{which}"
