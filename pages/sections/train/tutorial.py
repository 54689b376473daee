"""The tutorial's training as one press: what it is, what accuracy it reached here, and what Keras reached."""

import pandas as pd
import streamlit as st

from core.data.catalog import DATASETS
from core.demo.tutorial import ACCURACIES, CONFIG, IMAGES, NAME, ORIGIN, dataset_at_hand, spec_for
from core.runs.records import Status
from core.runs.scores import valid_accuracy_text
from pages.shared.run.live_view import LOOKS
from pages.shared.run.start import START, start
from pages.shared.shell import navigation, services, session
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section

EARLIER = 3  # of its runs that are led to


def tutorial_card() -> None:
    """Offer the training of the tutorial with its figures, or the way to its images where they are not here."""
    dataset = dataset_at_hand()
    with st.container(border=True, key="tutorial"):
        words, figures = st.columns(2, gap="medium")
        with words:
            st.markdown(
                f"**Photographs of ten kinds, {CONFIG.epochs} epochs.** The tutorial's own network (1,147,466 "
                f"parameters) learns from CIFAR-10: batches of {CONFIG.batch_size}, Adam at its default rate."
            )
            if dataset:
                pressed = st.button(START, type="primary", icon=":material/play_arrow:", key="start_tutorial")
                st.caption(f"Images: {escape_markdown(DATASETS[dataset].title)}. Your own settings stay as they are.")
                if pressed:
                    with show_errors():
                        _begin(dataset)
            else:
                st.caption(
                    f"Its {IMAGES:,} photographs are not here yet. Get them on Data, by download or as a zip of your "
                    "own, and come back: this card then starts it. Nothing you have set is lost."
                )
                navigation.link("data", "Get CIFAR-10", icon=":material/arrow_forward:", dataset="cifar10", run=None)
        with figures:
            st.markdown("**Test images right after 10 epochs**")
            rows = [{"Trained by": each.title, "Right": each.words} for each in ACCURACIES]
            st.table(pd.DataFrame(rows).set_index("Trained by"))
        _earlier()


def _begin(dataset: str) -> None:
    run_id = start(session.Draft(dataset, spec_for(dataset)), CONFIG, NAME, origin=ORIGIN)
    navigation.go("train", run=run_id)


def _earlier() -> None:
    """Lead to the newest trainings of it that there are."""
    with show_errors():
        for run in services.store().list(EARLIER, origins=[ORIGIN]):
            label, icon, _ = LOOKS[run.status]
            score = (
                f"{run.test_accuracy:.1%} of the test images right" if run.test_accuracy else valid_accuracy_text(run)
            )
            words = [escape_markdown(run.name), label if run.status is not Status.FINISHED else "", score or ""]
            navigation.link("train", " · ".join(filter(None, words)), icon=icon, run=run.id)


SECTION = Section("tutorial", "The tutorial's training", tutorial_card)
