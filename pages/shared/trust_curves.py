"""The curves of deletion and insertion, beside those of random orders."""

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.erasing import BETTER
from core.figures.removal_curves import chance_rows, removal_chart, removal_rows
from pages.shared import results, state
from pages.shared.charts import chart
from pages.shared.compare import taken
from pages.shared.jobs import Progress, background
from pages.shared.predictions import share
from pages.shared.trust_asked import AT_ONCE, Asked, attempt
from pages.shared.trust_cards import head, say

if TYPE_CHECKING:
    import numpy as np

    from core.explain.removal import Chance, Curve

TITLES = {"deletion": "Deletion", "insertion": "Insertion"}
ABOUT = {
    "deletion": "Pixels go in the order of the map, the most important first, and the network is asked again after "
    "each step. If the map is right, the class soon becomes unlikely: **the area under the curve is small**.",
    "insertion": "Pixels come into an empty picture in the order of the map, the most important first. If the map is "
    "right, the class soon becomes likely: **the area under the curve is large**.",
}
PAPER = "Petsiuk, Das and Saenko 2018, “RISE”, arXiv:1806.07421"
COARSE = 128  # pictures with longer sides get fewer steps and orders


def sizes(asked: Asked) -> dict[str, int]:
    """Return how many steps and random orders a picture of this size gets: whole per cents from step to step."""
    from core.explain.removal import RANDOM_ORDERS, STEPS

    large = max(asked.picture.shape[1:]) > COARSE
    return {"steps": 20, "orders": 8} if large else {"steps": STEPS, "orders": RANDOM_ORDERS}


def curves_of(asked: Asked, values: "np.ndarray", fill: str) -> "dict[str, Curve | ConvScopeError] | None":
    """Return the curves of a map, or draw how far they are and return None."""
    steps = sizes(asked)["steps"]
    key = ("curves", *asked.key, fill)
    work = partial(
        _both_curves, results.model(asked.weights), asked.image(), values, asked.target, asked.versus, fill, steps
    )
    if asked.seconds(len(TITLES) * (steps + 1)) <= AT_ONCE:
        return _kept_curves(key, work)
    return background(key, work, words="Changing the picture step by step", place="trust_curves")


@st.cache_resource(show_spinner=False, max_entries=128)
def _kept_curves(key: tuple[Any, ...], _work: Any) -> "dict[str, Curve | ConvScopeError]":
    found: dict[str, Curve | ConvScopeError] = _work(None)
    return found


def _both_curves(
    model: Any,
    image: Any,
    values: "np.ndarray",
    target: int,
    versus: int | None,
    fill: str,
    steps: int,
    progress: Progress | None,
) -> "dict[str, Curve | ConvScopeError]":
    from core.explain.removal import removal_curve

    def curve(mode: str) -> "Curve":
        return removal_curve(model, image, values, target, mode, fill, versus=versus, steps=steps, progress=progress)

    return {mode: attempt(partial(curve, mode)) for mode in TITLES}


def chances_of(asked: Asked, fill: str) -> "dict[str, Chance | ConvScopeError] | None":
    """Return the curves of random orders, or draw how far they are, or the button that starts them, and return None."""
    size = sizes(asked)
    passes = len(TITLES) * size["orders"] * (size["steps"] + 1)
    return background(
        ("chance", *asked.picture_key, fill),
        partial(_both_chances, results.model(asked.weights), asked.image(), asked.target, asked.versus, fill, size),
        words=f"What {size['orders']} random orders of the pixels score",
        place="trust_chance",
        ask=asked.ask("Compare with chance", passes),
    )


def _both_chances(
    model: Any, image: Any, target: int, versus: int | None, fill: str, size: dict[str, int], progress: Progress
) -> "dict[str, Chance | ConvScopeError]":
    from core.explain.removal import random_removal

    def chance(place: int, mode: str) -> "Chance":
        def tell(done: int, total: int) -> None:
            progress(place * total + done, len(TITLES) * total)

        return random_removal(model, image, target, mode, fill, versus=versus, progress=tell, **size)

    return {mode: attempt(partial(chance, place, mode)) for place, mode in enumerate(TITLES)}


def curve_card(
    curve: "Curve", chance: "Chance | ConvScopeError | None", gone: float, asked: Asked, *, looked_at: bool
) -> None:
    """Draw one curve with its area, that of chance, and the verdict.

    Args:
        curve: Of the map.
        chance: Of random orders, or why there is none; None if they are still to come.
        gone: The share of the pixels that the evidence is about.
        asked: The map.
        looked_at: Whether that share is marked, because the picture shows it.
    """
    from core.explain.trust import removal_verdict

    mode, orders = curve.mode, None if chance is None else taken(chance)
    head(TITLES[mode], ABOUT[mode], PAPER, mode)
    now = [{"share": gone, "value": curve.at(gone)}] if looked_at else []
    rows = chance_rows(orders) if orders else []
    text = f"{TITLES[mode]}: probability of the class after each share of the pixels"
    chart(
        removal_chart(mode, theme=state.theme()),
        removal_rows(curve),
        key=f"trust_chart_{mode}",
        alt=f"{text}; area {curve.area:.2f}",
        chance=rows,
        now=now,
    )
    better = f"{BETTER[mode].capitalize()} is better"
    if orders is None:
        st.markdown(f"Area **{curve.area:.2f}**. {better}.")
        return
    areas = orders.areas
    st.markdown(
        f"Area **{curve.area:.2f}**; random maps {areas.mean():.2f} ± {areas.std(ddof=1):.2f} "
        f"(grey: {len(areas)} random orders, mean and one deviation). {better}."
    )
    say(removal_verdict(curve, orders), _evidence(curve, orders, gone, asked))


def _evidence(curve: "Curve", chance: "Chance", gone: float, asked: Asked) -> str:
    """Say what the share that the slider stands at does, and what as many random pixels do."""
    name = asked.title
    now, random = share(curve.at(gone)), share(chance.mean.at(gone))
    start = share(curve.at(0))
    if curve.mode == "deletion":
        return (
            f"Removing the {gone:.0%} of pixels that this map calls most important takes “{name}” from {start} to "
            f"**{now}**; random pixels: to {random}. "
        )
    return (
        f"Showing only the {gone:.0%} of pixels that this map calls most important takes “{name}” from {start} to "
        f"**{now}**; random pixels: to {random}. "
    )
