"""Explanations before and after a change in one scale, and the probabilities of both."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.explain.methods.base import Method
from core.figures.overlays import overlay
from core.figures.palette import THEMES
from core.formatting import number, percentage_points, share
from core.inference.network import Network
from pages.shared.display.class_bars import NUM_TOP_CLASSES, class_name
from pages.shared.display.map_grid import color_bar
from pages.shared.picture.input_image import InputImage
from pages.shared.shell import session

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

IMAGE_PX = 150  # screen pixels


def before_after(method: Method, pictures: Sequence[np.ndarray], attributions: "Sequence[Attribution]") -> None:
    """Draw the explanations of a class in two pictures, or by two networks, side by side.

    Args:
        method: How both were explained.
        pictures: The two, uint8 (H, W, 3), of one size.
        attributions: The explanations.
    """
    from core.explain.attribution import heatmap
    from core.explain.strength import full_colour, strength_of

    faded = [(pixels * 0.45).astype("uint8") for pixels in pictures]  # their lights would pass for strong values
    figure = overlay(
        np.concatenate(faded, axis=1),
        np.concatenate([heatmap(each).numpy() for each in attributions], axis=1),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        zoom=max(1, -(-256 // max(faded[0].shape[:2]))),
        scope="both",
        full_colour=full_colour(attributions),
    )
    with st.container(horizontal=True, gap="small", key=f"before_after_{method.name}"):
        for title, each, part in zip(
            ("Before", "After"), attributions, np.split(figure.pixels, 2, axis=1), strict=True
        ):
            with st.container(width=IMAGE_PX, gap="xxsmall"):
                st.caption(f"{title}: score {number(each.score)}")
                st.image(part, width=IMAGE_PX, alt=f"{method.title} {title.lower()}: {figure.text}")
    said = dict.fromkeys(words for each in attributions if not each.blank and (words := strength_of(each).text))
    color_bar(figure.scale, " ".join([figure.text, *said]))


def answers(network: Network, picture: InputImage, before: np.ndarray, after: np.ndarray) -> None:
    """Show the likeliest classes before and after, and whether the prediction changed."""
    was, now = int(before.argmax()), int(after.argmax())
    first, last = share(float(before[was])), share(float(after[now]))
    if was == now:
        st.markdown(f"Still **“{class_name(network, was)}”**: {first} sure before, {last} after.")
    else:
        st.markdown(
            f"**“{class_name(network, was)}”** ({first} sure) becomes **“{class_name(network, now)}”** ({last} sure)."
        )
    tops = [set((-each).argsort(kind="stable")[:NUM_TOP_CLASSES].tolist()) for each in (before, after)]
    classes = sorted(tops[0] | tops[1], key=lambda index: (-before[index], index))
    names = network.class_names
    rows = "".join(
        f"<tr><th scope=row>{html.escape(names[index])}{' (true)' if index == picture.label else ''}</th>"
        f"{_bar(before[index])}{_bar(after[index])}"
        f"<td class=points>{percentage_points(float(after[index] - before[index]))}</td></tr>"
        for index in classes
    )
    st.html(
        f"{_STYLE.replace('MARK', THEMES[session.theme()].mark)}<table class=cs-answers><thead><tr><td></td>"
        f"<th scope=col>Before</th><th scope=col>After</th><th scope=col>Points</th></tr></thead>{rows}</table>"
    )
    st.caption(
        f"The {NUM_TOP_CLASSES} likeliest classes before and after; points are percentage points gained or lost."
    )


_STYLE = """<style>
.cs-answers { width: 100%; table-layout: fixed; border-collapse: separate; border-spacing: 6px 3px;
  font-size: 0.875rem; }
.cs-answers th { font-weight: 400; text-align: left; overflow-wrap: anywhere; }
.cs-answers thead th { font-size: 0.8rem; opacity: 0.75; }
.cs-answers td { font-variant-numeric: tabular-nums; }
.cs-answers .share { padding: 2px 6px; border-radius: 3px; background:
  linear-gradient(color-mix(in srgb, MARK 45%, transparent) 0 0) no-repeat 0 0 / var(--share) 100%,
  color-mix(in srgb, currentColor 8%, transparent); }
.cs-answers .points, .cs-answers thead th:last-child { text-align: right; width: 4.5rem; }
</style>"""


def _bar(probability: float) -> str:
    words = html.escape(share(float(probability)))
    return f'<td class=share style="--share: {100 * float(probability):.1f}%">{words}</td>'
