"""What every page shares: its header, its empty state, its errors, and the way on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NoReturn

import streamlit as st

from core.errors import ConvScopeError
from core.settings import settings
from pages.shared.shell import frame, navigation

# Where Streamlit makes links, icons, arrows or a list out of finished text, which a backslash does not prevent.
_JOINTS = re.compile(
    r"(?<=:)(?=\S)|(?<=www)(?=\.)|(?<=@)(?=\S)|(?<=(?<!\S)[-<>~])(?=[-=>]+(?!\S))|^(?=\d+[.)]|[-+#>=])",
    re.IGNORECASE,
)
_ANNOUNCEMENT = "announcement"  # said once the page is drawn anew
_MARKUP = re.compile(r"[\\`*_\[\]<$&~|]")


def page(name: str) -> None:
    """Frame a page of `navigation.PAGES`, its title and lead included; the first call of every page.

    Where an environment variable is wrong, one sentence about it is all there is below the frame.
    """
    frame.ensure(name)
    if announcement := st.session_state.pop(_ANNOUNCEMENT, None):
        st.toast(announcement, icon=":material/check:")
    with show_errors():
        _check_database(settings().database_url)
        return
    st.stop()


def announce_and_rerun(words: str) -> NoReturn:
    """Draw the page anew and say in passing what was done (Markdown): a toast before a rerun may be lost in it."""
    st.session_state[_ANNOUNCEMENT] = words
    st.rerun()


@cache
def _check_database(url: str) -> None:
    """Raise `ConvScopeError` where the environment names a database that cannot be one; opens none."""
    from core.runs.tables import engine_of  # not needed for the frame

    engine_of(url)


def escape_markdown(text: str) -> str:
    """Return Markdown that shows the text on one line as it stands: no formatting, links, icons or formulas."""
    apart = _JOINTS.sub("\u2060", " ".join(text.split()))  # an invisible word joiner
    return _MARKUP.sub(r"\\\g<0>", apart)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a `ConvScopeError` of the block as one sentence and go on after it; also serves as a decorator."""
    try:
        yield
    except ConvScopeError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")


def empty_state(message: str, label: str, name: str, **query: str | None) -> None:
    """Say why there is nothing to see yet and offer the page that changes it.

    Args:
        message: One sentence of ours, Markdown.
        label: What the button says.
        name: The page of `navigation.PAGES` to go to.
        query: Parameters of the address to go to.
    """
    with st.container(border=True, key=f"empty_{name}"):
        st.markdown(message)
        if st.button(label, type="primary", icon=":material/arrow_forward:"):
            navigation.go(name, **query)


def next_step(label: str, name: str, **query: str | None) -> None:
    """End a page with the way on: a link to the page of `navigation.PAGES` that comes next."""
    st.space("small")
    with st.container(border=True, key="next_step"):
        navigation.link(name, label, icon=":material/arrow_forward:", width="stretch", **query)
