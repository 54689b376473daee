"""The pixels that a map calls most important really go, and the network is asked again."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.explain.erasing import FILLS
from pages.shared.compare import taken
from pages.shared.controls import ask_one
from pages.shared.layout import show_errors
from pages.shared.pixels import enlarged
from pages.shared.predictions import class_name, share
from pages.shared.trust_asked import Asked
from pages.shared.trust_curves import chances_of, curve_card, curves_of, sizes
from pages.shared.trust_map import map_card

if TYPE_CHECKING:
    import numpy as np

    from core.errors import ConvScopeError
    from core.explain.attribution import Attribution
    from pages.shared.trust_curves import Chances

MODES = {"deletion": "Remove them", "insertion": "Show only them"}


@st.fragment
def removal_panel(asked: Asked, found: "Attribution") -> None:
    """Show a map, the picture without what it calls important, the answer to that, and the curves of both ways."""
    from core.explain.attribution import heatmap

    values = heatmap(found).numpy()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mode = ask_one("The most important pixels", MODES, "trust_mode")
        fill = ask_one("In their place", _fills(asked), "trust_fill")
    percent = st.slider(
        "How many, of all pixels",
        0,
        100,
        10,
        100 // sizes(asked)[0],
        format="%d%%",
        key="trust_share",
    )
    curves, cards = curves_of(asked, values, fill), st.grid(3, min_column_width=220)
    chances = chances_of(asked, values, fill)
    with cards:
        map_card(asked, found)
        with show_errors():
            _erased(asked, values, percent / 100, fill, mode, chances[mode] if chances else None)
    if curves is None:
        return
    with st.grid(2, min_column_width=320):
        for each in MODES:
            with st.container(border=True, height="stretch", key=f"trust_{each}"), show_errors():
                curve = taken(curves[each])
                chance = chances[each] if chances else None
                curve_card(curve, chance, percent / 100, asked, looked_at=each == mode)


def _fills(asked: Asked) -> dict[str, str]:
    """Name what removed pixels get: zero is the mean colour only where images are normalised by it."""
    mean, _ = asked.weights.statistics
    return FILLS if any(mean) else FILLS | {"mean": "Black"}


def _erased(
    asked: Asked, values: "np.ndarray", gone: float, fill: str, mode: str, chance: "Chances | ConvScopeError | None"
) -> None:
    """Draw the picture after its pixels are changed, and what the network says of it."""
    from core.explain.erasing import removed

    changed = removed(asked.image(), values, gone, fill, mode)
    count, total = round(gone * values.size), values.size
    with st.container(border=True, height="stretch", key="trust_erased", gap="xsmall"):
        st.markdown("**What the network receives now**")
        words = f"{count:,} of {total:,} pixels {'are gone' if mode == 'deletion' else 'are shown'}"
        st.image(enlarged(_pixels(asked, changed)), width="stretch", alt=f"The picture: {words}")
        st.caption(f"{words}, the most important ones of the map.")
    with st.container(border=True, height="stretch", key="trust_answer", gap="xsmall"):
        _answer(asked, changed, None if chance is None else taken(chance).noise.mean.at(gone))


def _pixels(asked: Asked, image: Any) -> "np.ndarray":
    """Turn a normalised image back into one to show."""
    pixels: np.ndarray = asked.weights.denormalize(image).permute(1, 2, 0).expand(-1, -1, 3).numpy()
    return pixels


def _answer(asked: Asked, changed: Any, random: float | None) -> None:
    """Write how likely the class is now, and what the network says instead; `random` is what random pixels do."""
    import torch

    from core.explain.prediction import predict
    from core.explain.usable import likelihoods
    from core.model.twin import twin_of

    model, images = asked.weights.model, torch.stack([asked.image(), changed])
    before, now = likelihoods(twin_of(model), images, asked.target, asked.versus).tolist()
    first, probabilities = predict(model, images).numpy()
    st.markdown("**What it says of that**")
    st.metric(
        f"Probability of “{asked.title}”",
        share(now),
        f"{100 * (now - before):+.1f} points" if abs(now - before) >= 0.0005 else None,
        delta_color="off",
    )
    st.caption(f"With the whole picture: {share(before)}.")
    if random is not None:
        st.caption(f"With as many random pixels instead: {share(random)}, the mean of several orders.")
    order = (-probabilities).argsort(kind="stable")[:3].tolist()
    st.markdown(
        f"It {'still says' if order[0] == first.argmax() else 'now says'} **“{class_name(asked.weights, order[0])}”**."
    )
    st.markdown(
        "\n".join(
            f"- {class_name(asked.weights, index)} :small[{share(float(probabilities[index]))}]" for index in order
        )
    )
