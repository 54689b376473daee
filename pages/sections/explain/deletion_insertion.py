"""The pixels that a map calls most important really go, and the network is asked again."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.attribution import heatmap
from core.explain.metrics.deletion_insertion import BETTER, FILLS, removed
from core.explain.metrics.validate import target_probabilities
from core.explain.metrics.verdicts import removal_verdict
from core.figures.overlays import faded, overlay
from core.figures.removal_curves import chance_rows, removal_chart, removal_rows
from core.formatting import share
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import predict
from pages.sections.explain.removal_jobs import TITLES, Chances, chances_of, curves_of, sizes
from pages.sections.explain.trust_request import TrustRequest, head, say
from pages.shared.display.class_bars import class_name
from pages.shared.display.map_grid import color_bar
from pages.shared.display.vega_charts import chart
from pages.shared.explanation.controls import chosen_look
from pages.shared.network.comparison import unwrap
from pages.shared.picture.pixels import enlarged
from pages.shared.shell import session
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    import numpy as np

    from core.explain.attribution import Attribution
    from core.explain.metrics.deletion_insertion import RemovalCurve

ABOUT = {
    "deletion": "Pixels go in the order of the map, the most important first, and the network is asked again after "
    "each step. If the map is right, the class soon becomes unlikely: **the area under the curve is small**.",
    "insertion": "Pixels come into an empty picture in the order of the map, the most important first. If the map is "
    "right, the class soon becomes likely: **the area under the curve is large**.",
}
PAPER = "Petsiuk, Das and Saenko 2018, “RISE”, arXiv:1806.07421"


def curve_card(
    curve: "RemovalCurve",
    chances: "Chances | ConvScopeError | None",
    gone: float,
    request: TrustRequest,
    *,
    looked_at: bool,
) -> None:
    """Draw one curve with its area, that of chance, and the verdict.

    Args:
        curve: Of the map.
        chances: What chance scores, or why that is not known; None if it is still to come.
        gone: The share of the pixels that the evidence is about.
        request: The map.
        looked_at: Whether that share is marked, because the picture shows it.
    """
    mode, verdict_inputs = curve.mode, None if chances is None else unwrap(chances)
    head(TITLES[mode], ABOUT[mode], PAPER, mode)
    chart(
        removal_chart(mode, theme=session.theme()),
        removal_rows(curve),
        key=f"trust_chart_{mode}",
        alt=f"{TITLES[mode]}: probability of the class after each share of the pixels; area {curve.area:.2f}",
        chance=chance_rows(verdict_inputs.moved) if verdict_inputs else [],
        noise=removal_rows(verdict_inputs.noise.mean) if verdict_inputs else [],
        now=[{"share": gone, "value": curve.at(gone)}] if looked_at else [],
    )
    better = f"{BETTER[mode].capitalize()} is better"
    if verdict_inputs is None:
        st.markdown(f"Area **{curve.area:.2f}**. {better}.")
        return
    moved, noise = verdict_inputs.moved.areas, verdict_inputs.noise.areas
    st.markdown(
        f"Area **{curve.area:.2f}**. {better}. The same map at {len(moved)} random places: {moved.mean():.2f} ± "
        f"{moved.std(ddof=1):.2f} (grey band). Random pixels: {noise.mean():.2f} ± {noise.std(ddof=1):.2f} (dotted)."
    )
    say(removal_verdict(curve, verdict_inputs.moved), _evidence(curve, verdict_inputs, gone, request))


def _evidence(curve: "RemovalCurve", chances: Chances, gone: float, request: TrustRequest) -> str:
    """Say what the share that the slider stands at does, and what as many pixels do that chance chose."""
    deed = "Removing the" if curve.mode == "deletion" else "Showing only the"
    return (
        f"{deed} {gone:.0%} of pixels that this map calls most important takes “{request.title}” from "
        f"{share(curve.at(0))} to **{share(curve.at(gone))}**; at other places the map takes it to "
        f"{share(chances.moved.mean.at(gone))}, random pixels to {share(chances.noise.mean.at(gone))}. "
    )


def map_card(request: TrustRequest, attribution: "Attribution") -> None:
    """Draw a map over its picture, with what its colours mean."""
    from core.explain.strength import full_colour, strength_of

    look, method = chosen_look(), request.method
    figure = overlay(
        faded(request.picture.array(), method.signed),
        heatmap(attribution).numpy(),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
        full_colour=full_colour([attribution]),
    )
    with st.container(border=True, height="stretch", key="trust_map_card", gap="xsmall"):
        st.markdown(f"**{method.title}** for “{request.title}”")
        st.image(figure.pixels, width="stretch", alt=f"{method.title}: {figure.text}")
        color_bar(figure.scale, figure.text)
        if words := strength_of(attribution).text:
            st.caption(escape_markdown(words))
        if attribution.gap and attribution.gap.shortfall:
            st.caption(escape_markdown(attribution.gap.shortfall))


MODES = {"deletion": "Remove them", "insertion": "Show only them"}


@st.fragment
def removal_panel(request: TrustRequest, attribution: "Attribution") -> None:
    """Show a map, the picture without what it calls important, the answer to that, and the curves of both ways."""
    values = heatmap(attribution).numpy()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mode = ask_one("The most important pixels", MODES, "trust_mode")
        fill = ask_one("In their place", _fills(request), "trust_fill")
    percent = st.slider(
        "How many, of all pixels",
        0,
        100,
        10,
        100 // sizes(request)[0],
        format="%d%%",
        key="trust_share",
    )
    curves, cards = curves_of(request, values, fill), st.grid(3, min_column_width=220)
    chances = chances_of(request, values, fill)
    with cards:
        map_card(request, attribution)
        with show_errors():
            _erased(request, values, percent / 100, fill, mode, chances[mode] if chances else None)
    if curves is None:
        return
    with st.grid(2, min_column_width=320):
        for each in MODES:
            with st.container(border=True, height="stretch", key=f"trust_{each}"), show_errors():
                curve = unwrap(curves[each])
                chance = chances[each] if chances else None
                curve_card(curve, chance, percent / 100, request, looked_at=each == mode)


def _fills(request: TrustRequest) -> dict[str, str]:
    """Name what removed pixels get: zero is the mean colour only where images are normalised by it."""
    mean, _ = request.network.statistics
    return FILLS if any(mean) else FILLS | {"mean": "Black"}


def _erased(
    request: TrustRequest,
    values: "np.ndarray",
    gone: float,
    fill: str,
    mode: str,
    chance: "Chances | ConvScopeError | None",
) -> None:
    """Draw the picture after its pixels are changed, and what the network says of it."""
    changed = removed(request.image(), values, gone, fill, mode)
    count, total = round(gone * values.size), values.size
    with st.container(border=True, height="stretch", key="trust_erased", gap="xsmall"):
        st.markdown("**What the network receives now**")
        words = f"{count:,} of {total:,} pixels {'are gone' if mode == 'deletion' else 'are shown'}"
        st.image(enlarged(_pixels(request, changed)), width="stretch", alt=f"The picture: {words}")
        st.caption(f"{words}, the most important ones of the map.")
    with st.container(border=True, height="stretch", key="trust_answer", gap="xsmall"):
        _answer(request, changed, None if chance is None else unwrap(chance).noise.mean.at(gone))


def _pixels(request: TrustRequest, image: Any) -> "np.ndarray":
    """Turn a normalised image back into one to show."""
    pixels: np.ndarray = request.network.denormalize(image).permute(1, 2, 0).expand(-1, -1, 3).numpy()
    return pixels


def _answer(request: TrustRequest, changed: Any, random: float | None) -> None:
    """Write how likely the class is now, and what the network says instead; `random` is what random pixels do."""
    import torch

    model, images = request.network.model, torch.stack([request.image(), changed])
    before, now = target_probabilities(shallow_copy_for_hooks(model), images, request.target, request.versus).tolist()
    first, probabilities = predict(model, images).numpy()
    st.markdown("**What it says of that**")
    st.metric(
        f"Probability of “{request.title}”",
        share(now),
        f"{100 * (now - before):+.1f} points" if abs(now - before) >= 0.0005 else None,
        delta_color="off",
    )
    st.caption(f"With the whole picture: {share(before)}.")
    if random is not None:
        st.caption(f"With as many random pixels instead: {share(random)}, the mean of several orders.")
    order = (-probabilities).argsort(kind="stable")[:3].tolist()
    st.markdown(
        f"It {'still says' if order[0] == first.argmax() else 'now says'} "
        f"**“{class_name(request.network, order[0])}”**."
    )
    st.markdown(
        "\n".join(
            f"- {class_name(request.network, index)} :small[{share(float(probabilities[index]))}]" for index in order
        )
    )
