"""Every page is framed, its errors are one sentence, and what a user wrote stays text."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.navigation import PAGES

ROOT = Path(__file__).resolve().parents[2]


def test_an_address_leads_to_its_page_inside_the_frame() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = "r1"
    app.run()
    assert app.title[0].value == PAGES["home"].headline
    assert [link.value for link in app.sidebar.page_link] == [info.title for info in PAGES.values()]
    assert {link.proto.query_string for link in app.sidebar.page_link} == {"run=r1"}


WRONG = (
    ("CONVSCOPE_SLOTS", "x"),
    ("CONVSCOPE_DATABASE_URL", "nonsense"),
    ("CONVSCOPE_DATABASE_URL", "postgresql+unheard-of://host/runs"),
    ("CONVSCOPE_DATABASE_URL", "postgresql://host:port/runs"),
    ("CONVSCOPE_DATABASE_URL", "sqlite:///runs.db?timeout=soon"),
)


@pytest.mark.parametrize(
    ("start", "setting", "value"),
    [
        *((f"pages/{name}.py", "CONVSCOPE_HOME", "~nobody-of-this-name") for name in PAGES),
        *(("pages/data.py", *wrong) for wrong in WRONG),
        ("app.py", "CONVSCOPE_MAX_UPLOAD_MB", "0"),
    ],
)
def test_a_wrong_setting_of_the_environment_is_one_sentence_on_every_page(
    start: str, setting: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    app = AppTest.from_file(str(ROOT / start), default_timeout=60).run()
    assert not app.exception
    (error,) = app.error
    assert escape_markdown(setting) in error.value
    assert len(app.title) == 1 and len(app.sidebar.page_link) == len(PAGES)
    assert not app.button


def script() -> None:
    import streamlit as st

    from core.errors import RunError
    from pages.shared.shell.layout import show_errors

    with show_errors():
        raise RunError("There is no run <b>x</b>: choose one under Runs.")
    st.text("the page goes on")
    with show_errors():
        raise ValueError("a defect")


def test_an_error_for_people_is_one_sentence_and_a_defect_is_not_hidden() -> None:
    app = AppTest.from_function(script).run()
    assert [error.value for error in app.error] == [escape_markdown("There is no run <b>x</b>: choose one under Runs.")]
    assert app.text[0].value == "the page goes on"
    assert [error.proto.type for error in app.exception] == ["ValueError"]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("There is no run 12-b: choose one (under Runs).", "There is no run 12-b: choose one (under Runs)."),
        ("my_cat*.png", r"my\_cat\*.png"),
        ("<b>x</b> [a](b) $y$ `z`", r"\<b>x\</b> \[a\](b) \$y\$ \`z\`"),
        (" two\n\n lines ", "two lines"),
        (":smile:", ":\u2060smile:"),
        ("# 1", "\u2060# 1"),
    ],
)
def test_what_a_user_wrote_becomes_markdown_that_shows_it(text: str, markdown: str) -> None:
    assert escape_markdown(text) == markdown
