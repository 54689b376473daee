"""Which networks the pages can ask: those of this server's runs and of the zoo, read once for all sessions."""

import streamlit as st

from core.errors import RunError
from core.inference.library import NetworkLibrary, names_pretrained
from core.inference.network import Network
from core.runs.records import Run
from pages.shared.shell.services import dataset, store


@st.cache_resource(show_spinner=False)
def library() -> NetworkLibrary:
    """Return the networks of this server, with those that were read last."""
    return NetworkLibrary(store(), dataset)


@st.cache_resource(show_spinner=False, max_entries=16)
def _pass_seconds(network_id: str, _network: Network) -> float:
    from core.inference.prediction import pass_seconds

    return pass_seconds(_network.model, _network.input_shape)


def pass_seconds(network: Network) -> float:
    """Return how long one pass of one picture through a network takes here: measured once."""
    return _pass_seconds(network.id, network)


def asked_run() -> Run | None:
    """Return the run that the address names, or None if it names none; raises `RunError` if that one is unknown."""
    run_id = st.query_params.get("run")
    return store().get(run_id) if run_id and not names_pretrained(run_id) else None


def network_to_inspect() -> Network:
    """Return the network of the address, else that of the latest run with weights, which it then names.

    Raises:
        RunError: There is none yet, or the address names an unknown one.
    """
    network_id = st.query_params.get("run")
    if network_id:
        return library().get(network_id)
    run = next(iter(store().list(1, learned=True)), None)
    if run is None:
        raise RunError("No network has been trained yet: train one first.")
    st.query_params["run"] = run.id
    return library().of_run(run)
