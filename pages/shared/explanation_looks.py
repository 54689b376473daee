"""How explanations are drawn, and of which classes: the controls above the maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.inference.network import Network
from pages.shared.predictions import class_name

Sign = Literal["both", "positive", "negative"]
SIGNS: dict[Sign, str] = {"both": "Red and blue", "positive": "Red", "negative": "Blue"}
MORE = 3  # classes beside the one that is asked about


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


def chosen_look() -> Look:
    """Return how this session chose to have heatmaps drawn."""
    kept, usual = st.session_state, Look()
    return Look(
        kept.get("look_strength", 100 * usual.strength) / 100,
        kept.get("look_percentile", usual.percentile),
        kept.get("look_sign") or usual.sign,
    )


def ask_look() -> Look:
    """Ask how to draw the heatmaps: one row of controls."""
    with st.grid(3, min_column_width=220, gap="medium"):
        return _ask_look()


def _ask_look() -> Look:
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
    )
    return chosen_look()


def ask_classes(
    weights: Network, probabilities: Mapping[int, float], target: int
) -> tuple[tuple[int, ...], int | None]:
    """Ask which classes to explain beside the one, and against which one to hold it.

    Args:
        weights: The network.
        probabilities: Of each class, by its index, likeliest first.
        target: The class that is explained in any case.
    """
    rest, names = [index for index in probabilities if index != target], weights.class_names

    key = f"{weights.id}_{target}"  # labels hold no probability: Streamlit forgets a choice whose label changes
    with st.grid(2, min_column_width=220, gap="medium"):
        more = st.multiselect(
            "Also explain",
            rest,
            format_func=names.__getitem__,
            max_selections=MORE,
            placeholder="Other classes, side by side",
            key=f"more_{key}",
            persist_state="session",
        )
        versus = st.selectbox(
            f"Why “{class_name(weights, target)}” and not …",
            rest,
            index=None,
            format_func=names.__getitem__,
            placeholder="A class to hold against it",
            key=f"versus_{key}",
            persist_state="session",
            help="Explains the difference of the two scores: red speaks for the first class more than for the second.",
        )
    return tuple(more), versus
