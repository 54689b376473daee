"""What the browser claims was chosen is believed only where it is a pixel of the sheet."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.widgets.image_grid import Selection

COUNT, HEIGHT, WIDTH = 6, 5, 7


def script() -> None:
    import streamlit as st

    from pages.shared.widgets.image_grid import Selection, image_grid

    chosen = image_grid(
        b"sheet",
        count=6,
        width=7,
        height=5,
        columns=3,
        key="grid",
        label="Six tiles",
        tile_labels=["<b>one</b>"],
        dead={4, 2},
        selected=st.session_state.get("before"),
    )
    st.session_state["chosen"] = chosen
    assert chosen is None or isinstance(chosen, Selection)


def chosen(value: Any, before: Selection | None = None) -> Selection | None:
    app = AppTest.from_function(script)
    app.session_state["grid"] = {"selection": value}
    app.session_state["before"] = before
    app.run()
    assert not app.exception
    return app.session_state["chosen"]


def test_a_pixel_of_the_sheet_is_taken() -> None:
    assert chosen([5, 4, 6]) == Selection(tile=COUNT - 1, row=HEIGHT - 1, col=WIDTH - 1)
    assert chosen([0, 0, 0]) == Selection(0, 0, 0)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [COUNT, 0, 0],
        [0, HEIGHT, 0],
        [0, 0, WIDTH],
        [-1, 0, 0],
        [True, 0, 0],
        [1.0, 0, 0],
        ["1", 0, 0],
        [[1], 0, 0],
        [1, 0],
        [1, 0, 0, 0],
        {"0": 1, "1": 0, "2": 0},
        "100",
        10**30,
        [10**30, 0, 0],
        [float("nan"), 0, 0],
    ],
    ids=repr,
)
def test_anything_else_is_no_choice(value: Any) -> None:
    assert chosen(value) is None
    assert chosen(value, before=Selection(1, 2, 3)) == Selection(1, 2, 3)


def test_the_browser_gets_the_sheet_and_its_texts_as_data() -> None:
    app = AppTest.from_function(script).run()
    proto = app.get("bidi_component")[0].proto
    assert json.loads(proto.json) == {
        "png": "c2hlZXQ=",
        "count": 6,
        "width": 7,
        "height": 5,
        "columns": 3,
        "label": "Six tiles",
        "labels": ["<b>one</b>"],
        "dead": [2, 4],
        "scale": None,
        "selected": None,
    }
    assert "<b>" not in proto.html_content
    assert "innerHTML" not in proto.js_content
