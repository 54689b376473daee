"""What a user wrote is shown letter by letter, whatever Streamlit's Markdown would make of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
TEXTS = [
    "**bold** _slanted_ `code` ~~gone~~ my_file__name_.png a*b*c",
    "<b>b</b> <img src=x onerror=alert(1)> <!-- x --> &lt;b&gt; &amp; <3",
    "![p](http://example.org/p.png) [l](http://example.org) [^1] {x}",
    "http://example.org/a HTTPS://example.org www.example.org a@example.org mailto:b@example.org",
    ":smile: :+1: :material/home: :streamlit: x:cat: :red[x] :blue-badge[y] :small[z] ::a:: 10:30 :-)",
    "$x^2$ and $$y$$ \\$z\\$ a\\b",
    "-> <- <-> -- >= <= ~= != +- ==a== ^a^ | a | b |",
    *("1. one", "12) x", "# head", "- item", "+ item", "* item", "> quote", "---", "===", "``` code"),
]
SCRIPT = f"""import streamlit as st
from pages.shared.shell.layout import escape_markdown
for number, text in enumerate({TEXTS!r}):
    with st.container(key=f"error{{number}}"):
        st.error(escape_markdown(text))
    with st.container(key=f"button{{number}}"):
        st.button(escape_markdown(text), key=f"b{{number}}")
"""


def test_a_text_is_shown_as_it_stands(serve: Callable[[Path], Any], tmp_path: Path, page: Page) -> None:
    (tmp_path / "plain_app.py").write_text(SCRIPT)
    page.goto(serve(tmp_path / "plain_app.py").url)
    for number, text in enumerate(TEXTS):
        for kind in ("error", "button"):
            shown = page.locator(f".st-key-{kind}{number}").get_by_test_id("stMarkdownContainer")
            expect(shown).to_be_visible()
            assert shown.inner_text().replace("\u2060", "") == text
            assert shown.evaluate("e => [...e.querySelectorAll('*')].map(child => child.tagName)") == ["P"]
