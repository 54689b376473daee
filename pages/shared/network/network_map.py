"""The drawn network as the map of a page: where one is, and a press away from every other layer."""

import re
from collections.abc import Callable, Collection, Sequence

import streamlit as st

from core.errors import ConvScopeError
from core.figures.network_blocks import network_layers
from core.figures.network_drawing import network_svg
from core.inference.network import Network
from pages.shared.shell import session
from pages.shared.widgets.network_view import network_view

ZOOM = 0.5  # of the blocks: the page is about what comes below


def network_map(
    network: Network,
    names: Sequence[str],
    current: Collection[str],
    *,
    key: str,
    choose: Callable[[str], object] | None = None,
) -> None:
    """Draw a network with the layers that are looked at marked; a press on another one goes there.

    Nothing is drawn of a network whose layers cannot be followed: the page says so itself.

    Args:
        network: The network.
        names: The layers that the page can show; the others are dimmed.
        current: Those that it shows.
        key: Streamlit's key.
        choose: Is told the layer that was pressed; the address carries it (`layer`) where nothing else is given.
    """
    try:
        layers = network_layers(network)
    except ConvScopeError:
        return
    network_view(
        network_svg(layers, title=network.name, current=current, targets=names, theme=session.theme(), zoom=ZOOM),
        key=key,
        label=f"The network, {len(layers) - 1} layers: press one to go there",
        hint="Press a layer to go there.",
        names=names,
        choose=choose or _go,
    )


def _go(name: str) -> None:
    st.query_params["layer"] = name


def download_drawing(network: Network) -> None:
    """Offer the drawing of a network as a file with a legend."""
    file = re.sub(r"[^a-z0-9]+", "_", network.name.lower()).strip("_") or "network"
    st.download_button(
        "Drawing",
        lambda: network_svg(network_layers(network), title=network.name, legend=True),
        f"{file}.svg",
        "image/svg+xml",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key="download_drawing",
        help="The network as a picture (SVG) with a legend, which opens in any browser or drawing program.",
    )
