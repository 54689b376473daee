"""One explanation before and after a change, in one scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.explain.method import Method
from core.figures.overlays import overlay
from core.figures.scales import number
from pages.shared.maps import color_bar

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

SIDE = 150  # screen pixels


def before_after(method: Method, pictures: Sequence[np.ndarray], found: "Sequence[Attribution]") -> None:
    """Show what speaks for a class in two pictures or to two networks.

    Args:
        method: How both were explained.
        pictures: The two, uint8 (H, W, 3), of one size.
        found: The explanations.
    """
    from core.explain.attribution import heatmap

    faded = [(pixels * 0.45).astype("uint8") for pixels in pictures]  # their lights would pass for strong values
    drawn = overlay(
        np.concatenate(faded, axis=1),
        np.concatenate([heatmap(each).numpy() for each in found], axis=1),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        zoom=max(1, -(-256 // max(faded[0].shape[:2]))),
    )
    with st.container(horizontal=True, gap="small", key=f"before_after_{method.name}"):
        for title, each, part in zip(("Before", "After"), found, np.split(drawn.pixels, 2, axis=1), strict=True):
            with st.container(width=SIDE, gap="xxsmall"):
                st.caption(f"{title}: score {number(each.score)}")
                st.image(part, width=SIDE, alt=f"{method.title} {title.lower()}: {drawn.text}")
    color_bar(drawn.scale, drawn.text.replace("Scaled to this map alone", "One scale for both"))
