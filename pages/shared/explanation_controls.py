"""How explanations are drawn and computed: the controls above them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from core.errors import ConvScopeError
from core.explain.method import Method, Option
from core.explain.methods import METHODS
from pages.shared import results

FIRST = ("saliency", "integrated_gradients", "guided_backprop", "grad_cam", "occlusion")  # until others are chosen
Sign = Literal["both", "positive", "negative"]
SIGNS: dict[Sign, str] = {"both": "Red and blue", "positive": "Red", "negative": "Blue"}


@dataclass(frozen=True)
class Look:
    """How heatmaps are drawn; changing it computes nothing anew. See `core.figures.overlay`.

    Attributes:
        strength: Cover of the strongest values, 0 to 1.
        percentile: Values above this percentile get full colour.
        sign: Which values to show.
    """

    strength: float = 0.85
    percentile: float = 99.0
    sign: Sign = "both"


def ask_options(weights: results.Weights) -> Mapping[str, Mapping[str, Any]]:
    """Ask for the settings of every method that has some."""
    with st.popover("Settings of the methods", icon=":material/tune:", width="content"):
        return {
            method.name: {option.name: _ask_option(weights, method, option) for option in method.options}
            for method in METHODS.values()
            if method.options
        }


def ask_look() -> Look:
    """Ask how to draw the heatmaps: one row of controls."""
    with st.grid(3, min_column_width=220, gap="medium"):
        return _ask_look()


def _ask_look() -> Look:
    strength = st.slider(
        "Strength of the colours",
        0,
        100,
        85,
        5,
        format="%d%%",
        key="look_strength",
        help="At 0% you see the picture only.",
    )
    percentile = st.slider(
        "Full colour from percentile",
        90.0,
        100.0,
        99.0,
        0.5,
        format="%g",
        key="look_percentile",
        help="Lower, and weaker values show; at 100 only the single largest value gets full colour.",
    )
    sign = st.segmented_control(
        "Signs to show",
        list(SIGNS),
        format_func=SIGNS.__getitem__,
        default="both",
        required=True,
        key="look_sign",
        width="stretch",
        help="For the methods that tell evidence for the class (red) from evidence against it (blue).",
    )
    return Look(strength / 100, percentile, sign or "both")


def _ask_option(weights: results.Weights, method: Method, option: Option) -> int | str | None:
    label, key = f"{method.title}: {option.label.lower()}", f"option_{method.name}_{option.name}"
    if option.low is not None and option.high is not None:
        chosen = st.number_input(label, option.low, option.high, int(option.default or 0), key=key, help=option.help)
        return int(chosen)
    layer = st.selectbox(
        label,
        ["", *_layers(weights)],
        format_func=lambda layer: layer or "Automatic",
        key=f"{key}_{weights.run.id}",
        help=option.help,
    )
    return layer or None


def _layers(weights: results.Weights) -> tuple[str, ...]:
    from core.explain.layers import cam_layers

    try:
        return cam_layers(results.model(weights))
    except ConvScopeError:  # the cards say what is wrong
        return ()


def chosen_methods() -> tuple[str, ...]:
    """Return which methods this session looks at, in the order of the menu."""
    chosen = st.session_state.get("methods", FIRST)
    return tuple(name for name in METHODS if name in chosen)


def method_options(name: str) -> dict[str, Any]:
    """Return the settings of a method that this session chose, of those that differ from its defaults."""
    kept: dict[str, Any] = st.session_state.get("method_options", {}).get(name, {})
    return dict(kept)
