"""One description of an option serves dataclasses, methods of explanation and hand-made operations alike."""

import pytest
from streamlit.testing.v1 import AppTest

from core.options import Option

NUMBER = Option("steps", "Steps", 50, "", 8, 256)
SHARE = Option("share", "Share", 0.5, "", 0.2, 1)
FREE = Option("window", "Square", None, "", 1, 64)
CHOICE = Option("rule", "Rule", "a", "", choices={"a": "First", "b": "Second"})
BOTH = Option("padding", "Padding", "same", "", 0, 3, {"same": "Same"})
LAYER = Option("layer", "Layer", None, "")


@pytest.mark.parametrize(
    ("option", "taken", "refused", "allowed"),
    [
        (NUMBER, (8, 256), (7, 257, 2.0, True, None, "8"), "a whole number from 8 to 256"),
        (SHARE, (0.2, 1, 1.0), (0, float("nan"), True, None, "1"), "a number from 0.2 to 1"),
        (FREE, (None, 1), (0, 1.5), "a whole number from 1 to 64"),
        (CHOICE, ("a", "b"), ("c", 0, None), "'a' or 'b'"),
        (BOTH, ("same", 0, 3), ("valid", 4, False), "'same' or a whole number from 0 to 3"),
        (LAYER, ("conv1", None), (3, ["conv1"]), "the name of a layer"),
    ],
)
def test_what_is_allowed_is_what_the_words_say(option: Option, taken: tuple, refused: tuple, allowed: str) -> None:
    assert [option.check(value) for value in taken] == list(taken)
    assert option.allowed == allowed
    for value in refused:
        with pytest.raises(ValueError, match=f"^{allowed}$"):
            option.check(value)
    assert type(SHARE.check(1)) is float


def _page() -> None:
    import streamlit as st

    from pages.shared.shell.controls import ask
    from tests.test_options import BOTH, CHOICE, FREE, LAYER, NUMBER, SHARE

    for option in (NUMBER, SHARE, FREE, CHOICE, BOTH, LAYER):
        layers = ("conv1", "conv2") if option.kind == "layer" else ()
        st.session_state[f"said_{option.name}"] = ask(option, option.default, option.name, layers=layers)


def test_one_widget_asks_for_every_kind() -> None:
    app = AppTest.from_function(_page).run()
    said = [app.session_state[f"said_{option.name}"] for option in (NUMBER, SHARE, FREE, CHOICE, BOTH, LAYER)]
    assert said == [50, 0.5, None, "a", "same", None]
    assert app.selectbox(key="layer").options == ["Automatic", "conv1", "conv2"]
    assert app.selectbox(key="padding").options == ["Same", "0", "1", "2", "3"]
    assert app.number_input(key="window").placeholder == "Automatic"
    app.selectbox(key="layer").set_value("conv2")
    app.number_input(key="window").set_value(6).run()
    assert (app.session_state["said_layer"], app.session_state["said_window"]) == ("conv2", 6)
