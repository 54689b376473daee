"""Where in the network the chosen methods look that look at one layer: a press sets their layer."""

import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.inference.network import Network
from pages.shared.explanation.controls import chosen_methods, layers_for, method_options, set_layer
from pages.shared.network.network_map import network_map


def layer_map(network: Network) -> None:
    """Draw the network with the layers that the chosen methods look at; nothing where none of them looks at one."""
    methods = [METHODS[name] for name in chosen_methods() if any(o.kind == "layer" for o in METHODS[name].options)]
    choices = {method.name: layers_for(network, method) for method in methods}
    names = list(dict.fromkeys(name for layers in choices.values() for name in layers))
    if not names:
        return
    current = {str(method_options(name).get("layer") or _usual(network)) for name in choices}

    def choose(layer: str) -> None:
        for name, layers in choices.items():
            if layer in layers:
                set_layer(network, METHODS[name], layer)
        st.session_state["layer_chosen"] = True

    st.markdown(f"**Layer of {', '.join(method.title for method in methods)}**")
    network_map(network, names, current, key="explain_map", choose=choose)
    if st.session_state.pop("layer_chosen", False):
        st.rerun()  # the whole page: the settings are asked for above


def _usual(network: Network) -> str:
    from core.explain.cam_layers import default_cam_layer

    try:
        return default_cam_layer(network.model)
    except ConvScopeError:  # the cards say what is wrong
        return ""
