"""A fragment that a pulse draws again and again, with a button in it and one beside it."""

import streamlit as st

from pages.shared.widgets.auto_refresh import pulse

state = st.session_state
state.setdefault("presses", 0)
state.setdefault("beats", 0)
state.setdefault("beside", 0)


def press(what: str) -> None:
    state[what] += 1


@st.fragment
def beating() -> None:
    state.beats += 1
    st.button("Press", on_click=press, args=("presses",))
    st.text(f"beats {state.beats}, presses {state.presses}")
    if state.beats < int(st.query_params.get("beats", 100)):
        pulse(0.2, key="pulse")


@st.fragment
def beside() -> None:
    if st.button("Beside"):
        press("beside")
    st.text(f"beside {state.beside}")


beating()
beside()
