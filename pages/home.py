"""The whole loop at a glance: one button to a trained network, and the way to every step."""

from collections.abc import Sequence

import streamlit as st

from core.inference.library import zoo_id
from core.model.zoo import BUNDLED, ZOO
from core.runs.records import Run
from core.train.config import TrainConfig
from pages.sections.home.demo import demo_panel
from pages.shared.run.incident import show_incident
from pages.shared.run.live_view import LOOKS
from pages.shared.run.start import start
from pages.shared.shell import navigation, services, session
from pages.shared.shell.layout import escape_markdown, page, show_errors

FIRST = TrainConfig(epochs=5)
LATEST = 5  # trainings that are listed
LOOP = ("data", "build", "train", "feature_maps", "explain", "classify")


def latest_trainings(runs: Sequence[Run]) -> None:
    """List the newest runs, each with its state, as the way back to it."""
    st.subheader("Latest trainings", anchor=False)
    for run in runs:
        label, icon, _ = LOOKS[run.status]
        score = "" if run.valid_accuracy is None else f" · {run.valid_accuracy:.1%}"
        navigation.link("train", f"{escape_markdown(run.name)} · {label}{score}", icon=icon, run=run.id)
    if len(runs) == LATEST:
        navigation.link("runs", "All trainings")
    if not runs:
        st.caption("None yet. Press **Train a network** and it will be listed here.")


page("home")
with st.container(border=True, key="start"):
    words, action = st.columns([3, 1], vertical_alignment="center")
    words.markdown("**Start here.** A small CNN learns to read 5,000 handwritten digits while you watch.")
    with action, show_errors():
        if st.button("Train a network", type="primary", icon=":material/play_arrow:", width="stretch"):
            run_id = start(session.new_draft(session.FIRST_DATASET, session.FIRST_PRESET), FIRST)
            navigation.go("train", run=run_id)
    words.caption("Takes about 20 seconds on a laptop. Nothing is sent anywhere.")
with st.container(border=True, key="photograph"):
    words, action = st.columns([2, 1], vertical_alignment="center")
    words.markdown("**Or ask a network that is trained already.** It knows a thousand things; show it one of yours.")
    with action:
        navigation.link(
            "classify",
            "Upload a photograph, see why",
            width="stretch",
            run=zoo_id(BUNDLED),
            other=None,
            target=None,
        )
    words.caption(f"{ZOO[BUNDLED].title} comes with the app: no download, and your photograph stays here.")
latest = None
with show_errors():
    latest = services.store().list(LATEST)  # what is wrong with the database or its folder is said once, here
    show_incident()
    demo_panel()

st.subheader("One loop, six steps", anchor=False)
with st.grid(3, min_column_width=200):
    for number, name in enumerate(LOOP, start=1):
        with st.container(border=True, height="stretch"):
            navigation.link(name, f"{number} · {navigation.PAGES[name].title}", width="stretch")
            st.caption(navigation.PAGES[name].lead)

if latest is not None:
    latest_trainings(latest)
