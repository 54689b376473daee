"""Drawing a part of the page again and again, for as long as it asks for that."""

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.shared.widgets.request_gate import with_gate
from pages.shared.widgets.script_files import script_file

_pulse = st.components.v2.component(
    "pulse", js=script_file("pulse", with_gate(Path(__file__).with_name("auto_refresh.js")))
)


def _nothing() -> None:
    """Do nothing: that Streamlit runs the fragment again is all that is wanted."""


def pulse(seconds: float, *, key: str, on_beat: Callable[[], None] = _nothing) -> None:
    """Run the fragment around it again, this long after each of its runs has reached the screen.

    In place of Streamlit's `run_every`, whose timer sends a press of the same moment along with its own request and
    so lets it act twice, goes on asking while the last request is unanswered, and is lost with the one message that
    starts it. This one waits for the answer, lets presses go first, and rests while the tab is hidden.

    Args:
        seconds: How long to wait between a run and the next.
        key: Streamlit's key.
        on_beat: Is called before the fragment runs, and may have other fragments run instead.
    """
    _pulse(data={"seconds": seconds, "run": time.monotonic_ns()}, key=key, height=0, on_beat_change=on_beat)
