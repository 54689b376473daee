"""What stands beside a network where two are compared: offered by a switch or a button, kept in the address."""

import streamlit as st

from core.inference.network import Network
from core.model.zoo import ZOO
from pages.shared.network import current_network
from pages.shared.shell.layout import escape_markdown


def leave() -> None:
    """Take the second network out of the address."""
    for name in ("other", "other_epoch"):
        st.query_params.pop(name, None)


def offer_switch(first: Network, *, on: bool) -> None:
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


def offer_compare(first: Network) -> None:
    """Offer by a button what the switch does, where a page can show nothing without a second network."""
    found = _counterpart(first)
    if found is not None:
        what = escape_markdown(found.moment if found.id == first.id else found.name)
        if st.button(f"Compare with {what}", icon=":material/compare_arrows:"):
            _put_beside(found)
            st.rerun()  # the whole page: its head chooses networks


def _put_beside(found: Network) -> None:
    st.query_params["other"] = found.id
    if found.epoch is not None:
        st.query_params["other_epoch"] = str(found.epoch)


def _counterpart(first: Network) -> Network | None:
    library, kept = current_network.library(), first.epochs
    if first.pretrained is not None:
        others = (info for info in ZOO.values() if info.name != first.pretrained.name)
        return library.pretrained(min(others, key=lambda info: not info.is_here).name)
    if kept:
        return first.at(kept[0] if first.epoch != kept[0] else None)
    trained = library.store.list(2, with_steps=True)
    return next((library.of_run(run) for run in trained if run.id != first.id), None)
