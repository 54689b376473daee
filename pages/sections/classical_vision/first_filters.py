"""The same network trained again from hand-made kernels."""

from collections.abc import Sequence

import streamlit as st

from core.inference.network import Network
from core.train.config import TrainConfig
from pages.shared.run import draft_history, settings_form
from pages.shared.run.run_controls import last_refusal, report_refusal, show_refusal
from pages.shared.shell import navigation, services
from pages.shared.shell.section import Section


def first_filters(networks: Sequence[Network], _: object) -> None:
    """Offer to train the (first) network again, its first filters being hand-made kernels."""
    run = networks[0].require_run()
    st.markdown(
        "The same network and settings, but the first filters are the hand-made kernels before training changes "
        "them. Compare the two curves: how much does a good beginning help, and does it keep its filters?"
    )
    pressed = st.button(
        "Set hand-made kernels for the next training",
        icon=":material/arrow_forward:",
        key=f"by_hand_{run.id}",
        help="Goes to Train with the settings filled in.",
        on_click=_take_over,
        args=(run.id,),
    )
    if pressed and not report_refusal(run):
        navigation.go("train", run=None)
    show_refusal(run)


@last_refusal
def _take_over(run_id: str) -> None:
    run = services.store().get(run_id)
    config = TrainConfig.from_mapping({**run.config, "first_filters": "by_hand"})
    draft_history.load_draft(run.dataset, run.spec)
    settings_form.take_over(config)


SECTION = Section(
    "first_filters",
    "What if it began with these?",
    first_filters,
    why_not=lambda networks, _: networks[0].why_no_images,
)
