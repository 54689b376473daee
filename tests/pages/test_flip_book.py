"""What the browser claims about the moment that is looked at is believed only where there is such a moment."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from pages.shared.widgets.epoch_player import Frame, FrameRow, flip_book

    st.session_state["found"] = flip_book(
        b"sheet",
        width=7,
        height=5,
        columns=3,
        picture="<b>Picture</b>",
        moments=["untrained", "epoch 1", "epoch 2"],
        strips=[
            FrameRow(
                "<b>A</b>",
                (Frame(0, "untrained", 0.5, ("cat 50.0%", "says dog")), Frame(2, "epoch 2", missing="Gone.")),
            )
        ],
        key="book",
        label="Epoch",
        chosen=2,
    )


def found(value: Any) -> int:
    app = AppTest.from_function(script)
    app.session_state["book"] = {"moment": value}
    app.run()
    assert not app.exception
    return int(app.session_state["found"])


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_moment_that_exists_is_taken(moment: int) -> None:
    assert found(moment) == moment


@pytest.mark.parametrize("value", [None, -1, 3, 1.0, True, "1", [1], {"moment": 1}, 10**30])
def test_anything_else_leaves_the_first_choice(value: Any) -> None:
    assert found(value) == 2


def test_the_browser_gets_words_as_they_are() -> None:
    app = AppTest.from_function(script).run()
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert data["picture"] == "<b>Picture</b>"
    assert data["strips"][0]["title"] == "<b>A</b>"
    assert data["strips"][0]["leaves"] == [
        {"moment": 0, "title": "untrained", "share": 0.5, "lines": ["cat 50.0%", "says dog"], "missing": ""},
        {"moment": 2, "title": "epoch 2", "share": None, "lines": [], "missing": "Gone."},
    ]
    assert data["chosen"] == 2
