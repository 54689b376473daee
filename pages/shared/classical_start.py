"""The same network and settings once more, from hand-made kernels."""

import streamlit as st

from core.runs.records import Run
from core.train.config import TrainConfig
from pages.shared import edits, menu, settings, state
from pages.shared.refusals import answered, refused, show_refusal


def start_by_hand(run: Run) -> None:
    """Offer to train the network of a run again, its first filters being hand-made kernels."""
    st.subheader("What if it began with these?", anchor=False)
    st.markdown(
        "The same network and settings, but the first filters are the hand-made kernels before training changes "
        "them. Compare the two curves: how much does a good beginning help, and does it keep its filters?"
    )
    pressed = st.button(
        "Train from hand-made kernels",
        icon=":material/architecture:",
        key=f"by_hand_{run.id}",
        help="Takes you to the train page with the settings filled in.",
        on_click=_take_over,
        args=(run.id,),
    )
    if pressed and not refused(run):
        menu.go("train", run=None)
    show_refusal(run)


@answered
def _take_over(run_id: str) -> None:
    run = state.store().get(run_id)
    config = TrainConfig.from_mapping({**run.config, "first_filters": "by_hand"})
    edits.take_over(run.dataset, run.spec)
    settings.take_over(config)
