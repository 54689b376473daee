"""The curves of deletion and insertion, beside those of chance."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.erasing import BETTER
from core.figures.removal_curves import chance_rows, removal_chart, removal_rows
from pages.shared import state
from pages.shared.charts import chart
from pages.shared.compare import taken
from pages.shared.jobs import Progress, background, lane_of
from pages.shared.predictions import share
from pages.shared.trust_asked import Asked, attempt
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


@dataclass(frozen=True, eq=False)
class Chances:
    """What maps score that know nothing of the picture: the same map at other places, and random pixels."""

    moved: "Chance"
    noise: "Chance"


def sizes(asked: Asked) -> tuple[int, int, int]:
    """Return how many steps, other places and random orders a picture of this size gets.

    From step to step it is a whole per cent of the pixels, or several.
    """
    from core.explain.removal import PLACES, RANDOM_ORDERS, STEPS

    return (20, 6, 3) if max(asked.picture.shape[1:]) > COARSE else (STEPS, PLACES, RANDOM_ORDERS)


def curves_of(asked: Asked, values: "np.ndarray", fill: str) -> "dict[str, Curve | ConvScopeError] | None":
    """Return the curves of a map, or draw how far they are and return None."""
    steps = sizes(asked)[0]
    key = ("curves", *asked.key, fill)
    work = partial(_both_curves, asked.weights.model, asked.image(), values, asked.target, asked.versus, fill, steps)
    return background(key, work, words="Changing the picture step by step", place="trust_curves")


def _both_curves(
    model: Any,
    image: Any,
    values: "np.ndarray",
    target: int,
    versus: int | None,
    fill: str,
    steps: int,
    progress: Progress,
) -> "dict[str, Curve | ConvScopeError]":
    from core.explain.removal import removal_curve

    def curve(mode: str) -> "Curve":
        return removal_curve(model, image, values, target, mode, fill, versus=versus, steps=steps, progress=progress)

    return {mode: attempt(partial(curve, mode)) for mode in TITLES}


def chances_of(asked: Asked, values: "np.ndarray", fill: str) -> "dict[str, Chances | ConvScopeError] | None":
    """Return what chance scores, or draw how far that is, or the button that starts it, and return None."""
    steps, places, orders = sizes(asked)
    passes = len(TITLES) * (places + orders) * (steps + 1)
    return background(
        ("chance", *asked.key, fill),
        partial(
            _chances,
            asked.weights.model,
            asked.image(),
            values,
            asked.target,
            asked.versus,
            fill,
            sizes(asked),
        ),
        words=f"What the map scores at {places} other places, and {orders} orders of random pixels",
        place="trust_chance",
        ask=asked.ask("Compare with chance", passes),
        lane=lane_of(asked.seconds(passes)),
    )


def _chances(
    model: Any,
    image: Any,
    values: "np.ndarray",
    target: int,
    versus: int | None,
    fill: str,
    size: tuple[int, int, int],
    progress: Progress,
) -> "dict[str, Chances | ConvScopeError]":
    from core.explain.removal import moved_removal, random_removal

    steps, places, orders = size
    total = len(TITLES) * (places + orders)

    def part(before: int, count: int) -> Progress:
        return lambda done, of: progress(1000 * before + 1000 * count * done // of, 1000 * total)

    def chances(place: int, mode: str) -> Chances:
        start = place * (places + orders)
        words: dict[str, Any] = {"mode": mode, "fill": fill, "versus": versus, "steps": steps}
        moved = moved_removal(model, image, values, target, places=places, progress=part(start, places), **words)
        tell = part(start + places, orders)
        return Chances(moved, random_removal(model, image, target, orders=orders, progress=tell, **words))

    return {mode: attempt(partial(chances, place, mode)) for place, mode in enumerate(TITLES)}


def curve_card(
    curve: "Curve", chances: "Chances | ConvScopeError | None", gone: float, asked: Asked, *, looked_at: bool
) -> None:
    """Draw one curve with its area, that of chance, and the verdict.

    Args:
        curve: Of the map.
        chances: What chance scores, or why that is not known; None if it is still to come.
        gone: The share of the pixels that the evidence is about.
        asked: The map.
        looked_at: Whether that share is marked, because the picture shows it.
    """
    from core.explain.trust import removal_verdict

    mode, found = curve.mode, None if chances is None else taken(chances)
    head(TITLES[mode], ABOUT[mode], PAPER, mode)
    chart(
        removal_chart(mode, theme=state.theme()),
        removal_rows(curve),
        key=f"trust_chart_{mode}",
        alt=f"{TITLES[mode]}: probability of the class after each share of the pixels; area {curve.area:.2f}",
        chance=chance_rows(found.moved) if found else [],
        noise=removal_rows(found.noise.mean) if found else [],
        now=[{"share": gone, "value": curve.at(gone)}] if looked_at else [],
    )
    better = f"{BETTER[mode].capitalize()} is better"
    if found is None:
        st.markdown(f"Area **{curve.area:.2f}**. {better}.")
        return
    moved, noise = found.moved.areas, found.noise.areas
    st.markdown(
        f"Area **{curve.area:.2f}**. {better}. The same map at {len(moved)} random places: {moved.mean():.2f} ± "
        f"{moved.std(ddof=1):.2f} (grey band). Random pixels: {noise.mean():.2f} ± {noise.std(ddof=1):.2f} (dotted)."
    )
    say(removal_verdict(curve, found.moved), _evidence(curve, found, gone, asked))


def _evidence(curve: "Curve", chances: Chances, gone: float, asked: Asked) -> str:
    """Say what the share that the slider stands at does, and what as many pixels do that chance chose."""
    deed = "Removing the" if curve.mode == "deletion" else "Showing only the"
    return (
        f"{deed} {gone:.0%} of pixels that this map calls most important takes “{asked.title}” from "
        f"{share(curve.at(0))} to **{share(curve.at(gone))}**; at other places the map takes it to "
        f"{share(chances.moved.mean.at(gone))}, random pixels to {share(chances.noise.mean.at(gone))}. "
    )
