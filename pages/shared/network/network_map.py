"""The drawn network as the map of a page: where one is, and a press away from every other layer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

import streamlit as st

from core.errors import ConvScopeError
from core.figures.network_blocks import DrawnLayer, network_layers
from core.figures.network_drawing import network_svg
from core.inference.network import Network
from pages.shared.shell import session
from pages.shared.widgets.network_view import network_view

ZOOM = 0.5  # of the blocks: the page is about what comes below


def ask_layer(
    network: Network,
    label: str,
    names: Sequence[str],
    key: str,
    *,
    blocks: Mapping[str, str] | None = None,
    last: DrawnLayer | None = None,
    help: str | None = None,
) -> str:
    """Ask for a layer, at first the first one, by the drawn network; the address carries the choice (`layer`).

    A press on a folded block goes to its first layer, and shows the others in it. Of a network that cannot be drawn,
    the layers stand in a list.

    Args:
        network: The network.
        label: What is asked for.
        names: The layers, in the order of the stack.
        key: Streamlit's key.
        blocks: The names of the drawing for those that are called otherwise in `names`.
        last: What is drawn behind the last layer.
        help: What a pointer resting on the label reads.
    """
    requested = st.query_params.get("layer")
    if requested in names:
        st.session_state[key] = requested
    elif st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    chosen: str = st.session_state[key]
    in_drawing = {name: (blocks or {}).get(name, name) for name in names}
    in_list = {block: name for name, block in in_drawing.items()}

    def go(name: str) -> None:
        st.session_state[key] = st.query_params["layer"] = in_list.get(name, name)

    with suppress(ConvScopeError):
        layers = network_layers(network, [block for block in in_list if not last or block != last.name])
        layers += (last,) if last else ()
        if {layer.name for layer in layers} >= in_list.keys():
            st.markdown(f":small[{label}]", help=help)
            _draw(network, layers, list(in_list), [in_drawing[chosen]], f"{key}_map", go)
            return chosen
    picked: str = st.selectbox(
        label, names, key=key, on_change=lambda: go(st.session_state[key]), persist_state="session", help=help
    )
    return picked


def network_map(
    network: Network,
    names: Sequence[str],
    current: Collection[str],
    *,
    key: str,
    choose: Callable[[str], object],
) -> None:
    """Draw a network with the layers that are looked at marked; a press on another one goes there.

    Nothing is drawn of a network whose layers cannot be followed: the page says so itself.

    Args:
        network: The network.
        names: The layers that the page can show; the others are dimmed.
        current: Those that it shows.
        key: Streamlit's key.
        choose: Is told the layer that was pressed.
    """
    with suppress(ConvScopeError):
        _draw(network, network_layers(network), names, current, key, choose)


def _draw(
    network: Network,
    layers: Sequence[DrawnLayer],
    names: Sequence[str],
    current: Collection[str],
    key: str,
    choose: Callable[[str], object],
) -> None:
    network_view(
        _drawing(tuple(layers), network.name, tuple(current), tuple(names), session.theme()),
        key=key,
        label="The network: press a layer to go there",
        hint="Press a layer to go there.",
        names=names,
        choose=choose,
    )


@lru_cache(maxsize=64)
def _drawing(
    layers: tuple[DrawnLayer, ...], title: str, current: tuple[str, ...], names: tuple[str, ...], theme: str
) -> str:
    return network_svg(layers, title=title, current=current, targets=names, theme=theme, zoom=ZOOM)
