"""A text to read on, folded below the view it belongs to."""

import streamlit as st

from core.maths.articles import ARTICLES


def read_on(topic: str) -> None:
    """Offer the text on a topic, a key of `core.maths.articles.ARTICLES`."""
    article = ARTICLES[topic]
    with st.expander(f"Read on: {article.title.lower()}", icon=":material/menu_book:", key=f"read_on_{topic}"):
        st.markdown(f"**What it is.** {article.what}")
        st.markdown(f"**Why it matters.** {article.why}")
        st.latex(article.formula)
        st.caption(f"{article.symbols[0].upper()}{article.symbols[1:]}")
        st.markdown(f":material/science: **Try it.** {article.try_this}")
        st.caption(f"To read more: {article.source}")
