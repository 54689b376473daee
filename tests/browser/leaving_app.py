"""Two pages; a part of the first draws itself again and again, and the second takes its time."""

import time

import streamlit as st

from pages.shared.widgets.auto_refresh import pulse


@st.fragment
def beating() -> None:
    pulse(0.3, key="pulse")


def first() -> None:
    st.title("First")
    st.page_link(pages[1], label="Leave")
    beating()


def second() -> None:
    st.title("Second")
    time.sleep(1)


pages = [st.Page(first, default=True), st.Page(second)]
st.navigation(pages, position="hidden").run()
