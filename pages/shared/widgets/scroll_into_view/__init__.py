"""Bringing a part of the page into view."""

import streamlit as st

_JS = """
export default function ({ data }) {
  const timer = setTimeout(() => {
    const part = document.querySelector(`.st-key-${data.key}`);
    if (!part) return;
    part.style.scrollMarginTop = "8rem"; // below the bar of the page, with its heading
    part.scrollIntoView({ behavior: "smooth", block: "start" });
  }, 400); // the page above it may still grow
  return () => clearTimeout(timer);
}
"""
_scroll = st.components.v2.component("scroll", js=_JS)


def scroll_to(container: str) -> None:
    """Scroll to the container of this key, once: draw it in one run of the script and not in the next."""
    _scroll(data={"key": container}, key=f"scroll_{container}", height=0)
