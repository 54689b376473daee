"""Which network to look at: every training so far, and the pretrained ones."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st

from core.errors import RunError
from core.glossary import GLOSSARY
from core.inference.library import zoo_id
from core.inference.network import Network
from core.model.zoo import PLACE, ZOO, ZooInfo
from core.progress import Progress
from core.runs.records import Status
from core.runs.scores import valid_accuracy_text
from pages.shared.network import current_network
from pages.shared.run.names import distinct_names
from pages.shared.shell import navigation
from pages.shared.shell.controls import told_apart
from pages.shared.shell.downloads import download_panel
from pages.shared.shell.layout import empty_state, escape_markdown

WHOLE = 34  # characters of a name that the control has room for
OFFERED = 200  # trainings in the list; all others are found by their words


def network_or_end() -> Network:
    """Return the network to look at; where there is none, say so, offer the way on and end the page."""
    try:
        return current_network.network_to_inspect()
    except RunError as error:
        if "run" in st.query_params:
            empty_state(escape_markdown(str(error)), "See all runs", "runs", run=None)
        else:
            empty_state(escape_markdown(str(error)), navigation.TO_TRAIN, "train")
            _offer_pretrained()
        st.stop()


def _offer_pretrained() -> None:
    """Offer to look into a pretrained network; one of them is here already."""

    def follow() -> None:
        st.query_params["run"] = zoo_id(st.session_state["first_pretrained"])

    st.pills(
        "Or look into a pretrained network",
        list(ZOO),
        format_func=lambda name: f"{ZOO[name].title} · :small[{origin(ZOO[name])}]",
        key="first_pretrained",
        on_change=follow,
    )


def origin(info: ZooInfo) -> str:
    """Say how the weights of a pretrained network get here."""
    if info.download_mb is None:
        return "comes with the app"
    return "downloaded" if info.is_here else f"{info.download_mb:.0f} MB"


def choose_network(network: Network, label: str = "Network", of: str = "run", epoch: str = "epoch") -> None:
    """Ask which network to look at, trained here or pretrained; the address carries the choice from page to page.

    Args:
        network: The one that is chosen so far.
        label: What the control says.
        of: The parameter of the address that a choice sets.
        epoch: The parameter that was said of the one before, and is dropped.
    """
    library, finding = current_network.library(), f"find_{of}"
    sought = st.session_state.get(finding, "")
    runs = library.store.list(OFFERED, learned=True, containing=sought)
    choices: dict[str, Network] = {run.id: library.of_run(run) for run in runs}
    if network.run is not None:
        choices[network.id] = network
    choices |= {zoo_id(name): library.pretrained(name) for name in ZOO}
    key = f"pick_{of}"
    st.session_state[key] = network.id  # said anew each time: the control of another page is another one

    def follow() -> None:
        st.query_params[of] = st.session_state[key]
        st.query_params.pop(epoch, None)

    names = distinct_names([other.run for other in choices.values() if other.run is not None])
    labels = told_apart({network_id: _describe(other, names) for network_id, other in choices.items()})
    st.selectbox(
        label,
        list(labels),
        format_func=labels.__getitem__,
        key=key,
        on_change=follow,
        help="Every training so far, then the pretrained networks; the same one stays chosen on all pages.",
    )
    if len(labels[network.id]) > WHOLE:
        st.caption(escape_markdown(labels[network.id]))
    if sought or len(runs) == OFFERED:
        st.text_input(
            "Find a training",
            key=finding,
            placeholder="Find a training by name, note or data",
            label_visibility="collapsed",
            icon=":material/search:",
            persist_state="session",
            help=f"The list holds the {OFFERED} latest trainings: of more, those with these words.",
        )


def _describe(network: Network, names: Mapping[str, str]) -> str:
    if network.pretrained is not None:
        info = network.pretrained
        return f"{network.name} · pretrained" + ("" if info.is_here else f", {info.download_mb:.0f} MB to download")
    run = network.run
    if run is None:
        return network.name
    status = "" if run.status is Status.FINISHED else str(run.status)  # what most are need not be said
    return " · ".join(filter(None, (names[run.id], status, valid_accuracy_text(run))))


def is_ready(network: Network) -> bool:
    """Say whether a network can be looked into; of a pretrained one that is not here, offer the download."""
    if network.pretrained is None or network.pretrained.is_here:
        return True
    _offer(network.pretrained)
    return False


def _offer(info: ZooInfo) -> None:
    """Say what a network is, and offer to fetch it."""
    host = escape_markdown(urlsplit(PLACE).hostname or "its makers")
    with st.container(border=True, key=f"zoo_{info.name}"):
        st.subheader(info.title, anchor=False)
        st.markdown(info.summary)
        with st.container(horizontal=True, gap="medium"):
            st.metric("Right on ImageNet", f"{info.accuracy:g}%", width="content", help=GLOSSARY["top_1"])
            st.metric("Parameters", f"{info.parameters:g} M", width="content", help=GLOSSARY["parameters"])
        st.caption(f"Source: {info.source}  \nLicence: {info.licence}")
        st.markdown(f"Its weights are not on this computer yet. They come from {host}, once, and are kept afterwards.")

        def fetch(tell: Progress) -> None:
            from core.model.zoo_weights import load_pretrained

            load_pretrained(info.name, tell)

        download_panel(info.name, info.download_mb or 0.0, fetch)
