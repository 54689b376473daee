"""Controls of the explanations: methods, their settings, heatmap style, classes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.base import Family, Method
from core.explain.methods.registry import METHODS
from core.figures.overlays import Sign
from core.inference.network import Network
from core.options import Option, OptionValue
from pages.shared.display.class_bars import class_name
from pages.shared.network import current_network, inference
from pages.shared.picture.input_image import InputImage
from pages.shared.shell.controls import ask, settings_menu
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    import numpy as np

# Until others are chosen.
DEFAULT_METHODS = ("integrated_gradients", "smooth_grad", "guided_backprop", "grad_cam", "occlusion")
_IN_PLACE_OF = {"guided_backprop": "saliency"}  # where one of these cannot explain a network
_QUICKER = {"integrated_gradients": "input_x_gradient", "smooth_grad": "saliency", "occlusion": "layer_cam"}
USUAL_SECONDS = 4.0  # what takes longer than this on a network is none of its usual methods


def chosen_methods() -> tuple[str, ...]:
    """Return the methods chosen in this session, in the order of the menu."""
    chosen = [name for family in get_args(Family) for name in st.session_state.get(f"methods_{family}", ())]
    answered = any(f"methods_{family}" in st.session_state for family in get_args(Family))
    return tuple(name for name in METHODS if name in (chosen if answered else DEFAULT_METHODS))


def ask_chosen_method(label: str, names: Sequence[str], key: str, *, first: str | None = None) -> str:
    """Ask for one of the methods that are chosen, `names`; at first, or where the answer is none of them, for `first`.

    Without one that is the first of them.
    """
    if st.session_state.get(key) not in names:
        st.session_state[key] = first or names[0]
    return st.selectbox(
        label,
        names,
        format_func=lambda name: METHODS[name].title,
        key=key,
        persist_state="session",
        width=280,
        help="One of the methods chosen under Settings, with its settings.",
    )


def method_options(name: str) -> dict[str, OptionValue]:
    """Return the settings that this session chose for a method."""
    chosen: dict[str, OptionValue] = st.session_state.get("method_options", {}).get(name, {})
    return dict(chosen)


def ask_settings(network: Network, picture: InputImage, target: int) -> str:
    """Ask, in one menu, for methods and their settings, more classes and the colours; return in a line what is chosen.

    `chosen_methods`, `method_options`, `chosen_classes` and `chosen_look` tell the answers.
    """
    _follow_network(network)
    _take_unit(network)
    with settings_menu("settings_menu", _MENU):
        methods, options, classes, colours = st.tabs(["Methods", "Their settings", "Classes", "Colours"])
        with methods:
            _ask_families(network)
        with options:
            _ask_options(network)
        with classes:
            _ask_classes(network, inference.probabilities(network, picture), target)
        with colours:
            _ask_look()
    return _summary(network, target)


_MENU = "Methods and their settings, more classes, and how maps are coloured."


def _summary(network: Network, target: int) -> str:
    """Return what is chosen, in a line of Markdown."""
    titles = [METHODS[name].title for name in chosen_methods()]
    more, versus = chosen_classes(network, target)
    look = chosen_look()
    parts = [", ".join(titles) if titles else "No method is chosen."]
    if more:
        parts.append("also " + ", ".join(f"“{class_name(network, index)}”" for index in more))
    if versus is not None:
        parts.append(f"and not “{class_name(network, versus)}”")
    if look.sign != "both":
        parts.append(f"{SIGNS[look.sign].lower()} only")
    return " · ".join(parts)


def usual_methods(network: Network, names: Sequence[str] = DEFAULT_METHODS) -> tuple[str, ...]:
    """Return methods that explain a network within a few seconds: these, or what takes the place of some of them."""
    from core.explain.compatibility import incompatibility

    usual = dict[str, None]()
    for name in names:
        fitting = name if incompatibility(network.model, name) is None else _IN_PLACE_OF.get(name)
        if fitting is not None and seconds_of(network, fitting) > USUAL_SECONDS:
            fitting = _QUICKER.get(fitting)
        if fitting is not None and incompatibility(network.model, fitting) is None:
            usual[fitting] = None
    return tuple(usual)


def seconds_of(network: Network, name: str, options: Mapping[str, OptionValue] | None = None) -> float:
    """Return how long a method takes for a picture of a network here, about."""
    method = METHODS[name]
    passes = method.passes(method.resolve(options or {}), network.input_shape)
    return passes * current_network.pass_seconds(network)


def _follow_network(network: Network) -> None:
    """Choose the methods that explain this network, where no others than the usual ones are chosen."""
    usual = set(usual_methods(network))
    state = st.session_state
    if set(chosen_methods()) == state.get("usual_methods", set(DEFAULT_METHODS)):
        for family in get_args(Family):
            state[f"methods_{family}"] = [name for name in METHODS if METHODS[name].family == family and name in usual]
        state["usual_methods"] = usual


def _take_unit(network: Network) -> None:
    """Look at the unit that the address asks for ("conv2,5,3,4": layer, map, row, column), which then forgets it."""
    address = st.query_params.pop("unit", None)
    if address is None:
        return
    match = re.fullmatch(r"([\w.]+),(\d{1,6})(?:,(\d{1,6}),(\d{1,6}))?", address, re.ASCII)
    if match is None or match[1] not in dict(network.model.named_modules()):
        st.warning("The address asks for a unit that this network does not have: choose a layer in the settings.")
        return
    layer, *place = match.groups()
    for family in get_args(Family):
        st.session_state[f"methods_{family}"] = []
    st.session_state["methods_Units"] = ["neuron_gradient", *(["layer_conductance"] if place[1] else [])]
    for method in ("neuron_gradient", "layer_conductance"):
        st.session_state[f"option_{method}_layer_{network.id}"] = layer
        for name, value in zip(("channel", "row", "col"), place, strict=True):
            st.session_state[f"option_{method}_{name}"] = None if value is None else int(value)


def _ask_families(network: Network) -> None:
    from core.explain.compatibility import incompatibility

    model, reasons = network.model, dict[str, str]()
    for family in get_args(Family):
        names = [name for name, method in METHODS.items() if method.family == family]
        for name in names:
            if reason := incompatibility(model, name):
                reasons[name] = reason
        st.pills(
            family,
            names,
            format_func=lambda name: METHODS[name].title + " :material/block:" * (name in reasons),
            selection_mode="multi",
            wrap=True,
            key=f"methods_{family}",
            persist_state="session",
        )
    for reason in dict.fromkeys(reasons.values()):
        st.caption(f":material/block: {escape_markdown(reason)}")


def _ask_options(network: Network) -> None:
    st.session_state["method_options"] = {
        name: {option.name: _ask_option(network, METHODS[name], option) for option in METHODS[name].options}
        for name in chosen_methods()
    }
    if not any(METHODS[name].options for name in chosen_methods()):
        st.caption("None of the chosen methods has settings.")


def _ask_option(network: Network, method: Method, option: Option) -> OptionValue:
    key, layers = f"option_{method.name}_{option.name}", list[str]()
    if option.kind == "layer":
        key, layers = f"{key}_{network.id}", list(layers_for(network, method))
    label = f"{method.title}: {option.label.lower()}"
    chosen: OptionValue = ask(option, option.default, key, label=label, layers=layers, persist_state="session")
    return chosen


def set_layer(network: Network, method: Method, layer: str) -> None:
    """Set the layer that a method looks at, as its setting would; to be called before the settings are asked for."""
    for option in (each for each in method.options if each.kind == "layer"):
        st.session_state[f"option_{method.name}_{option.name}_{network.id}"] = layer
        st.session_state.setdefault("method_options", {}).setdefault(method.name, {})[option.name] = layer


def layers_for(network: Network, method: Method) -> Sequence[str]:
    """Return the layers that a method can look at; none where it cannot be told."""
    from core.explain.cam_layers import cam_layers, layer_shapes

    try:
        model = network.model
        if method.family != "Units":
            return cam_layers(model)
        shapes, alone = layer_shapes(model, network.input_shape), method.name == "neuron_gradient"
        return [name for name, shape in shapes.items() if len(shape) == 3 or (alone and len(shape) == 1)]
    except ConvScopeError:  # the cards say what is wrong
        return ()


SIGNS: dict[Sign, str] = {"both": "Red and blue", "positive": "Red", "negative": "Blue"}
NUM_OTHER_CLASSES = 3  # classes beside the one that is asked about


@dataclass(frozen=True)
class HeatmapStyle:
    """How heatmaps are drawn; changing it computes nothing anew. See `core.figures.overlay`.

    Attributes:
        strength: Cover of the strongest values, 0 to 1.
        percentile: Values above this percentile get full colour.
        sign: Which values to show.
    """

    strength: float = 0.85
    percentile: float = 99.0
    sign: Sign = "both"


def chosen_look() -> HeatmapStyle:
    """Return how this session chose to have heatmaps drawn."""
    state, usual = st.session_state, HeatmapStyle()
    return HeatmapStyle(
        state.get("look_strength", 100 * usual.strength) / 100,
        state.get("look_percentile", usual.percentile),
        state.get("look_sign") or usual.sign,
    )


def _ask_look() -> None:
    st.slider(
        "Strength of the colours",
        0,
        100,
        85,
        5,
        format="%d%%",
        key="look_strength",
        persist_state="session",
        help="At 0% you see the picture only.",
    )
    st.slider(
        "Full colour from percentile",
        90.0,
        100.0,
        99.0,
        0.5,
        format="%g",
        key="look_percentile",
        persist_state="session",
        help="Lower, and weaker values show; at 100 only the single largest value gets full colour.",
    )
    st.segmented_control(
        "Signs to show",
        list(SIGNS),
        format_func=SIGNS.__getitem__,
        default="both",
        required=True,
        key="look_sign",
        persist_state="session",
        width="stretch",
        help="For the methods that tell evidence for the class (red) from evidence against it (blue).",
        wrap=True,
    )


def chosen_classes(network: Network, target: int) -> tuple[tuple[int, ...], int | None]:
    """Return which classes this session explains beside one, and against which it holds it."""
    state, key = st.session_state, f"{network.id}_{target}"
    return tuple(state.get(f"more_{key}", ())), state.get(f"versus_{key}")


def _ask_classes(network: Network, probabilities: "np.ndarray", target: int) -> None:
    """Ask which classes to explain beside the one, likeliest first, and against which one to hold it."""
    rest = [index for index in (-probabilities).argsort(kind="stable").tolist() if index != target]
    names = network.class_names
    key = f"{network.id}_{target}"  # labels hold no probability: Streamlit forgets a choice whose label changes
    st.multiselect(
        "Also explain",
        rest,
        format_func=names.__getitem__,
        max_selections=NUM_OTHER_CLASSES,
        placeholder="Other classes, side by side",
        key=f"more_{key}",
        persist_state="session",
    )
    st.selectbox(
        f"Why “{class_name(network, target)}” and not …",
        rest,
        index=None,
        format_func=names.__getitem__,
        placeholder="A class to hold against it",
        key=f"versus_{key}",
        persist_state="session",
        help="Explains the difference of the two scores: red speaks for the first class more than for the second.",
    )
