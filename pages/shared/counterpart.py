"""What stands beside a network where two are compared: offered by a switch or a button, kept in the address."""

import streamlit as st

from core.model.zoo import ZOO
from pages.shared import state
from pages.shared.layout import plain
from pages.shared.pretrained import Pretrained, as_run, run_id_of
from pages.shared.subjects import Weights


def leave() -> None:
    """Take the second network out of the address."""
    for name in ("other", "other_epoch"):
        st.query_params.pop(name, None)


def offer_switch(first: Weights, *, on: bool) -> None:
    """Offer to put a second network beside the first: its own beginning at first, or else its end or another one."""
    st.session_state["compare"] = on
    found = None if on else _counterpart(first)

    def follow() -> None:
        leave()
        if st.session_state["compare"] and found is not None:
            _put_beside(found)

    st.toggle(
        "Compare",
        key="compare",
        on_change=follow,
        disabled=not on and found is None,
        help="Put another epoch, or another network, beside this one.",
    )


def offer_compare(first: Weights) -> None:
    """Offer by a button what the switch does, where a page can show nothing without a second network."""
    found = _counterpart(first)
    if found is not None:
        what = plain(found.moment if found.run.id == first.run.id else found.run.name)
        if st.button(f"Compare with {what}", icon=":material/compare_arrows:"):
            _put_beside(found)
            st.rerun()  # the whole page: its head chooses networks


def _put_beside(found: Weights) -> None:
    st.query_params["other"] = found.run.id
    if found.epoch is not None:
        st.query_params["other_epoch"] = str(found.epoch)


def _counterpart(first: Weights) -> Weights | None:
    if isinstance(first.run, Pretrained):
        others = (info for info in ZOO.values() if info.name != first.run.info.name)
        found = min(others, key=lambda info: not info.is_here)
        return Weights(as_run(run_id_of(found.name)))
    kept = state.store().epochs(first.run.id)
    if kept and first.epoch != kept[0]:
        return Weights(first.run, kept[0])
    if kept:
        return Weights(first.run)
    trained = state.store().list(2, trained=True)
    return next((Weights(run) for run in trained if run.id != first.run.id), None)
