"""A section of a page describes itself: what it is called, when it applies, and what draws it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import show_errors


def _applies(*_arguments: Any) -> str:
    """Find nothing that speaks against a section."""
    return ""


@dataclass(frozen=True)
class Section:
    """One part of a page. All callables take what the page has asked for, in the order in which it hands it on.

    Attributes:
        key: Its name on the page, a stable id.
        title: What it is called: the option that opens it, or the heading above it. It is stated here alone.
        show: Draws it.
        heading: Returns the words above it as Markdown, where they say more than the title.
        why_not: Says in one sentence (Markdown) why it does not apply; empty where it does.
        instead: Draws what stands in its place where it does not apply, from the sentence and what `show` is given;
            without one, the section is left out.
        of_network: Whether it looks at the network that is chosen.
    """

    key: str
    title: str
    show: Callable[..., object]
    heading: Callable[..., str] | None = None
    why_not: Callable[..., str] = _applies
    instead: Callable[..., object] | None = None
    of_network: bool = True

    @st.fragment
    @show_errors()
    def draw(self, *arguments: Any, titled: bool = False) -> None:
        """Draw it, or what stands in its place, as a fragment: what is changed in it draws nothing else anew.

        Args:
            arguments: What the page has asked for.
            titled: Whether its title stands above it where it has no other heading.
        """
        reason = self.why_not(*arguments)
        if reason and self.instead is None:
            return
        words = self.heading(*arguments) if self.heading else self.title * titled
        if words:
            st.subheader(words, anchor=False)
        if not reason:
            self.show(*arguments)
        elif self.instead is not None:
            self.instead(reason, *arguments)


def choose_section(label: str, sections: Sequence[Section], key: str) -> Section:
    """Ask for one of a page's sections; see `ask_one`."""
    by_key = {section.key: section for section in sections}
    return by_key[ask_one(label, {name: section.title for name, section in by_key.items()}, key)]


def draw_sections(sections: Sequence[Section], *arguments: Any) -> None:
    """Draw sections below one another, each with its title or its heading above it."""
    for section in sections:
        section.draw(*arguments, titled=True)
