"""How many images each class of a data set has."""

import pandas as pd
import streamlit as st

from core.figures.balance import balance_chart, balance_rows, balance_sentence
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

SPLITS = ("train", "valid", "test")


@st.cache_data(show_spinner=False, max_entries=16)
def class_counts(name: str) -> dict[str, list[int]]:
    """Return how many images each class has, by split."""
    dataset, count = services.dataset(name), len(services.dataset(name).class_names)
    return {split: dataset.split(split).labels.bincount(minlength=count).tolist() for split in SPLITS}


def balance(name: str) -> None:
    """Show how many images each class has."""
    counts, class_names = class_counts(name), services.dataset(name).class_names
    sentence = balance_sentence(class_names, counts["train"])
    st.vega_lite_chart(
        pd.DataFrame(balance_rows(class_names, counts)),
        balance_chart(theme=session.theme()),
        key="balance",
        alt=f"Images of each class by split. In training: {sentence}",
    )
    st.caption(f"In training: {escape_markdown(sentence)}")


SECTION = Section("balance", "Images of each class", balance)
