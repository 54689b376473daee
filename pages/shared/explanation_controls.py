"""Which methods of explanation are looked at, and with what settings."""

import re
from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from core.errors import ConvScopeError
from core.explain.method import Family, Method
from core.explain.methods import METHODS
from core.explain.option import Choice, Option
from core.inference.network import Network
from pages.shared.layout import plain

# Until others are chosen.
FIRST = ("integrated_gradients", "smooth_grad", "guided_backprop", "grad_cam", "occlusion")


def chosen_methods() -> tuple[str, ...]:
    """Return which methods this session looks at, in the order of the menu."""
    chosen = [name for family in get_args(Family) for name in st.session_state.get(f"methods_{family}", ())]
    asked = any(f"methods_{family}" in st.session_state for family in get_args(Family))
    return tuple(name for name in METHODS if name in (chosen if asked else FIRST))


def method_options(name: str) -> dict[str, Choice]:
    """Return the settings that this session chose for a method."""
    kept: dict[str, Choice] = st.session_state.get("method_options", {}).get(name, {})
    return dict(kept)


def ask_methods(weights: Network) -> None:
    """Ask which methods to look at, and for their settings; `chosen_methods` and `method_options` tell the answers."""
    _take_unit(weights)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover(f"Methods: {len(chosen_methods())}", icon=":material/checklist:", key="methods_menu"):
            _ask_families(weights)
        with st.popover("Settings", icon=":material/tune:", key="settings_menu"):
            _ask_settings(weights)
        titles = [METHODS[name].title for name in chosen_methods()]
        st.caption(", ".join(titles) if titles else "No method is chosen.", width="stretch")


def _take_unit(weights: Network) -> None:
    """Look at the unit that the address asks for ("conv2,5,3,4": layer, map, row, column), which then forgets it."""
    asked = st.query_params.pop("unit", None)
    if asked is None:
        return
    found = re.fullmatch(r"([\w.]+),(\d{1,6})(?:,(\d{1,6}),(\d{1,6}))?", asked, re.ASCII)
    if found is None or found[1] not in dict(weights.model.named_modules()):
        st.warning("The address asks for a unit that this network does not have: choose a layer in the settings.")
        return
    layer, *place = found.groups()
    for family in get_args(Family):
        st.session_state[f"methods_{family}"] = []
    st.session_state["methods_Units"] = ["neuron_gradient", *(["layer_conductance"] if place[1] else [])]
    for method in ("neuron_gradient", "layer_conductance"):
        st.session_state[f"option_{method}_layer_{weights.id}"] = layer
        for name, value in zip(("channel", "row", "col"), place, strict=True):
            st.session_state[f"option_{method}_{name}"] = None if value is None else int(value)


def _ask_families(weights: Network) -> None:
    from core.explain.fitness import why_not

    model, reasons = weights.model, dict[str, str]()
    for family in get_args(Family):
        names = [name for name, method in METHODS.items() if method.family == family]
        for name in names:
            if reason := why_not(model, name):
                reasons[name] = reason
        st.pills(
            family,
            names,
            format_func=lambda name: METHODS[name].title + " :material/block:" * (name in reasons),
            selection_mode="multi",
            default=[name for name in names if name in FIRST],
            wrap=True,
            key=f"methods_{family}",
            persist_state="session",
        )
    for reason in dict.fromkeys(reasons.values()):
        st.caption(f":material/block: {plain(reason)}")


def _ask_settings(weights: Network) -> None:
    st.session_state["method_options"] = {
        name: {option.name: _ask_option(weights, METHODS[name], option) for option in METHODS[name].options}
        for name in chosen_methods()
    }
    if not any(METHODS[name].options for name in chosen_methods()):
        st.caption("None of the chosen methods has settings.")


def _ask_option(weights: Network, method: Method, option: Option) -> Choice:
    label, key = f"{method.title}: {option.label.lower()}", f"option_{method.name}_{option.name}"
    words: dict[str, Any] = {"key": key, "help": option.help, "persist_state": "session"}
    if option.kind == "choice":
        choices = list(option.choices)
        index = choices.index(str(option.default))
        return st.selectbox(label, choices, index=index, format_func=option.choices.__getitem__, **words)
    if option.kind == "number":
        if isinstance(option.default, float):
            return float(st.number_input(label, option.low, option.high, option.default, format="%g", **words))
        default = None if option.default is None else int(option.default)
        value = st.number_input(
            label, int(option.low or 0), int(option.high or 0), default, placeholder="Automatic", **words
        )
        return None if value is None else int(value)
    words["key"] = f"{key}_{weights.id}"
    names = ["", *_layers(weights, method)]
    layer = st.selectbox(label, names, format_func=lambda layer: layer or "Automatic", **words)
    return layer or None


def _layers(weights: Network, method: Method) -> Sequence[str]:
    from core.explain.layers import cam_layers, layer_shapes

    try:
        model = weights.model
        if method.family != "Units":
            return cam_layers(model)
        shapes, alone = layer_shapes(model, weights.input_shape), method.name == "neuron_gradient"
        return [name for name, shape in shapes.items() if len(shape) == 3 or (alone and len(shape) == 1)]
    except ConvScopeError:  # the cards say what is wrong
        return ()
