"""Where the loss workbench has its logits from: the network's answer to a picture, or sliders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.inference.network import Network
from pages.shared import results, subjects
from pages.shared.controls import ask_one
from pages.shared.layout import plain
from pages.shared.pictures import pick_picture
from pages.shared.predictions import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCES = {"network": "From the network", "hand": "By hand"}
LIMIT, SURE = 20.0, 8.0  # of a slider; the logit of a class that one is sure of


def ask_logits(
    weights: Network, picture: subjects.Picture | None, most: int
) -> "tuple[NDArray[np.float64], int, tuple[str, ...]]":
    """Ask for a picture, its true class and where the logits come from; return the logits, the class and all names.

    Args:
        weights: Whose answer.
        picture: To what; asked for where none is given.
        most: How many logits get a slider: the largest ones.

    Raises:
        ConvScopeError: The network cannot be read, or its answer holds no numbers.
    """
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        chosen = picture or pick_picture(weights)
    names = weights.class_names
    with answering:
        logits = network_logits(weights, chosen)
        label = _ask_label(weights, chosen, logits, names)
        source = ask_one("Logits", SOURCES, "bench_logits")
    if source == "hand":
        logits = _sliders(logits, label, names, f"{weights.id}_{chosen.digest}", most)
    return logits, label, names


def network_logits(weights: Network, picture: subjects.Picture) -> "NDArray[np.float64]":
    """Return what a network answers, (K,); raises `ConvScopeError` where that is not a number."""
    if weights.spec is None:
        return results.logits(weights, picture).astype(np.float64)
    last = [name for name, _ in weights.model.named_children()][-1]
    logits = results.activations(weights, (last,), picture)[last].astype(np.float64).ravel()
    if not np.isfinite(logits).all():
        raise ConvScopeError("The network's answer is not a number: choose an earlier epoch, or train it anew.")
    return logits


def _ask_label(weights: Network, picture: subjects.Picture, logits: "NDArray[np.float64]", names: Sequence[str]) -> int:
    """Show the picture and the answer, and ask for the true class: known of test images, else at first the answer."""
    best, pixels = int(logits.argmax()), picture.array()
    zoom = max(1, -(-112 // max(pixels.shape[:2])))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(pixels.repeat(zoom, axis=0).repeat(zoom, axis=1), width=112, alt="The picture the network looks at")
        sure = share(float(results.probabilities(weights, picture)[best]))
        st.markdown(
            f"{plain(picture.title)}  \nThe network says **{plain(names[best])}**, {sure} sure.", width="stretch"
        )
    known = picture.label
    chosen: int = st.selectbox(
        "True class",
        range(len(names)),
        index=best if known is None else known,
        format_func=names.__getitem__,
        key=f"bench_label_{weights.dataset_name}_{picture.digest}",
        help="What the answer is compared with. Choose another one to see what the losses would say then.",
    )
    if known is None:
        st.caption("Nobody has said what this picture shows: choose its true class.")
    return chosen


def _sliders(
    logits: "NDArray[np.float64]", label: int, names: Sequence[str], about: str, most: int
) -> "NDArray[np.float64]":
    """Let the largest logits be set by hand, the network's at first; the rest stay the network's."""
    first = [label, *(index for index in np.argsort(-logits, kind="stable").tolist() if index != label)]
    places = sorted(first[:most])
    rival = next(index for index in first if index != label)
    keys = {index: f"bench_logit_{about}_{index}" for index in places}
    starts = {index: float(np.clip(round(logits[index], 1), -LIMIT, LIMIT)) for index in places}

    def put(values: dict[int, float]) -> None:
        for index, key in keys.items():
            st.session_state[key] = values.get(index, 0.0)

    with st.container(horizontal=True, key="bench_cases"):
        for title, values in {
            "The network's": starts,
            "Undecided": {},
            "Sure and right": {label: SURE},
            "Sure and wrong": {rival: SURE, label: -SURE / 2},
        }.items():
            st.button(title, on_click=put, args=(values,), key=f"bench_case_{title}")
    for index, key in keys.items():
        st.session_state.setdefault(key, starts[index])
    made = logits.copy()
    with st.grid(5, min_column_width=140, gap="small"):
        for index, key in keys.items():
            title = f"**{plain(names[index])}** ✓" if index == label else plain(names[index])
            made[index] = st.slider(title, -LIMIT, LIMIT, step=0.1, format="%.1f", key=key)
    return made
