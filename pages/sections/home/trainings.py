"""The newest trainings, each with its state, as the way back to it."""

from collections.abc import Sequence

import streamlit as st

from core.runs.records import Run
from core.runs.scores import valid_accuracy_text
from pages.shared.run.live_view import LOOKS
from pages.shared.shell import navigation
from pages.shared.shell.layout import escape_markdown

LATEST = 5  # that are listed
LOOKED_AT = 30  # for one's own among those of the demo


def latest(runs: Sequence[Run]) -> None:
    """List the first of some runs, newest first."""
    st.subheader("Latest trainings", anchor=False)
    with st.container(gap="xsmall"):
        for run in runs[:LATEST]:
            label, icon, _ = LOOKS[run.status]
            facts = filter(None, (escape_markdown(run.name), label, valid_accuracy_text(run)))
            navigation.link("train", " · ".join(facts), icon=icon, run=run.id)
        if len(runs) > LATEST:
            navigation.link("runs", "All trainings")
