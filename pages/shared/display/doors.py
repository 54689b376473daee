"""Cards that lead somewhere as a whole: their one link covers them, for a click anywhere, and stays a link for keys."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shared.shell import navigation

# What Streamlit puts between a card and its link must not be what the cover is placed by.
_STYLE = """<style>
[class*="st-key-door_"] { position: relative; cursor: pointer; transition: border-color 120ms; }
[class*="st-key-door_"]:hover { border-color: light-dark(#0b7a75, #3dbdb1); }
[class*="st-key-door_"]:has(a:focus-visible) { outline: 3px solid light-dark(#0b7a75, #3dbdb1); outline-offset: 2px; }
[class*="st-key-door_"] :has(> a), [class*="st-key-door_"] :has(> .stPageLink) { position: static; }
[class*="st-key-door_"] a[data-testid="stPageLink-NavLink"] {
  position: static; padding: 0; background: none !important; align-items: flex-start;
  outline: none !important;
}
[class*="st-key-door_"] a[data-testid="stPageLink-NavLink"] p { font-weight: 600; font-size: 1rem; line-height: 1.3; }
[class*="st-key-door_"] a[data-testid="stPageLink-NavLink"] > span:has([data-testid="stIconMaterial"]) {
  display: flex; align-items: center; height: 1.3rem; /* that of the title's first line */
}
[class*="st-key-door_"] a[data-testid="stPageLink-NavLink"]::after {
  content: ""; position: absolute; inset: 0; z-index: 1;
}
[class*="st-key-card_title_"] { margin-top: -0.25rem; } /* as high as the link that is the title of a door */
[class*="st-key-card_title_"] p {
  padding-left: 1.5rem; text-indent: -1.5rem; font-weight: 600; font-size: 1rem; line-height: 1.3;
}
[class*="st-key-card_title_"] p span { width: 1.25rem; text-indent: 0; } /* and the space behind it */
</style>"""


def card_style() -> None:
    """Say what doors and the titles of cards look like: once on a page that has some, outside of its fragments."""
    st.html(_STYLE)


@contextmanager
def door(key: str) -> Iterator[None]:
    """Draw a card around exactly one `navigation.link`, and words and pictures that lead where it does.

    Cards side by side are equally high. What can be pressed for itself in such a card needs a `z-index` of 2.
    """
    with st.container(border=True, height="stretch", key=f"door_{key}", gap="xsmall"):
        yield


def card_title(icon: str, words: str) -> None:
    """Draw the title of a card that is no door, as a door has it: what follows the first line stands below its words.

    Args:
        icon: Name of a material symbol.
        words: Markdown.
    """
    with st.container(key=f"card_title_{icon}"):
        st.markdown(f":material/{icon}: {words}")


def page_door(name: str, key: str, title: str = "", **query: str | None) -> None:
    """Draw a card that leads to a page of `navigation.PAGES` and says what it is for."""
    with door(f"{key}_{name}"):
        navigation.link(name, title or None, width="stretch", **query)
        st.caption(navigation.PAGES[name].lead)
