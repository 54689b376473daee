"""What stands beside a network where two are compared: offered by a switch, kept in the address."""

import streamlit as st

from core.inference.network import Network
from core.model.zoo import ZOO
from pages.shared.network import current_network


def leave() -> None:
    """Take the second network out of the address."""
    for name in ("other", "other_epoch"):
        st.query_params.pop(name, None)


def offer_switch(first: Network, *, on: bool) -> None:
    """Offer to put a second network beside the first: its own beginning at first, or else its end or another one."""
    st.session_state["compare"] = on
    counterpart = None if on else _counterpart(first)

    def follow() -> None:
        leave()
        if st.session_state["compare"] and counterpart is not None:
            _put_beside(counterpart)

    st.toggle(
        "Compare",
        key="compare",
        on_change=follow,
        disabled=not on and counterpart is None,
        help="Put another epoch, or another network, beside this one.",
    )


def begin_comparison(first: Network) -> None:
    """Put another training of the same data set beside a network, or else another epoch; nothing where one is there."""
    if "other" in st.query_params or first.pretrained is not None:
        return
    counterpart = _other_training(first) or _counterpart(first)
    if counterpart is not None:
        _put_beside(counterpart)


def _other_training(first: Network) -> Network | None:
    """Return the latest other training of the same data set, or None."""
    library = current_network.library()
    trained = library.store.list(2, dataset=first.dataset_name, learned=True)
    return next((library.of_run(run) for run in trained if run.id != first.id), None)


def _put_beside(network: Network) -> None:
    st.query_params["other"] = network.id
    if network.epoch is not None:
        st.query_params["other_epoch"] = str(network.epoch)


def _counterpart(first: Network) -> Network | None:
    library, epochs = current_network.library(), first.epochs
    if first.pretrained is not None:
        others = (info for info in ZOO.values() if info.name != first.pretrained.name)
        return library.pretrained(min(others, key=lambda info: not info.is_here).name)
    if epochs:
        return first.at(epochs[0] if first.epoch != epochs[0] else None)
    trained = library.store.list(2, learned=True)
    return next((library.of_run(run) for run in trained if run.id != first.id), None)
