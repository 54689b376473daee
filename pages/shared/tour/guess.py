"""A guess before an answer: asked for, and held against what comes true."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared.shell.layout import escape_markdown


def ask_guess(
    question: str, options: Sequence[str], key: str, on_change: Callable[[], None] | None = None
) -> int | None:
    """Ask a question and return which option is guessed, None for none yet; all words are plain text."""
    return st.radio(
        escape_markdown(question),
        range(len(options)),
        index=None,
        format_func=lambda index: escape_markdown(options[index]),
        key=key,
        on_change=on_change,
    )


def show_guess(question: str, options: Sequence[str], guess: int, right: int | None, because: str) -> None:
    """Say what was guessed and hold it against the answer; all words are plain text.

    Args:
        question: What was asked.
        options: What could be guessed.
        guess: Index of the option that was.
        right: Index of the right one; None where nobody can say.
        because: Why it is right, or why nobody can say; may be empty.
    """
    words = escape_markdown(because)
    st.markdown(f"{escape_markdown(question)} You guessed: **{escape_markdown(options[guess])}**.")
    if right == guess:
        st.success(f"Right. {words}", icon=":material/check:")
    elif right is not None:
        st.warning(f"It is: {escape_markdown(options[right])}. {words}", icon=":material/lightbulb:")
    elif words:
        st.info(words, icon=":material/help:")
