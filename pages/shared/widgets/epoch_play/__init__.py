"""A button that plays the epochs on the page it stands on: one after the other, each once the page shows it."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.shared.widgets.play import SCRIPT, STYLE, play_button
from pages.shared.widgets.request_gate import with_gate
from pages.shared.widgets.script_files import script_file

_play = st.components.v2.component(
    "epoch_play",
    html=play_button(words=False),
    css=STYLE,
    js=script_file("epoch_play", with_gate(SCRIPT, Path(__file__).with_name("epoch_play.js"))),
)


def epoch_play(key: str, *, at: str, playing: bool, press: Callable[[], None], step: Callable[[], None]) -> None:
    """Show a button that starts and pauses, and while it plays ask for the next epoch again and again.

    The next one is asked for a beat after the script has run and its background work is done, so that nothing of an
    epoch is left out; while the tab is hidden it rests.

    Args:
        key: Streamlit's key.
        at: The moment that is shown: each is asked to be left once.
        playing: Whether it plays.
        press: Is called when it is pressed, before the script runs again.
        step: Is called when the next epoch is due.
    """
    _play(key=key, data={"at": at, "playing": playing}, width=44, on_press_change=press, on_step_change=step)
