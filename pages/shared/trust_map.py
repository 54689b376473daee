"""The map that is checked, over its picture."""

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.overlays import faded, overlay
from pages.shared.explanation_looks import chosen_look
from pages.shared.layout import plain
from pages.shared.maps import color_bar
from pages.shared.trust_asked import Asked

if TYPE_CHECKING:
    from core.explain.attribution import Attribution


def map_card(asked: Asked, found: "Attribution") -> None:
    """Draw a map over its picture, with what its colours mean."""
    from core.explain.attribution import heatmap

    look, method = chosen_look(), asked.method
    drawn = overlay(
        faded(asked.picture.array(), method.signed),
        heatmap(found).numpy(),
        signed=method.signed,
        positive=method.positive,
        negative=method.negative,
        strength=look.strength,
        percentile=look.percentile,
        sign=look.sign,
    )
    with st.container(border=True, height="stretch", key="trust_map_card", gap="xsmall"):
        st.markdown(f"**{method.title}** for “{asked.title}”")
        st.image(drawn.pixels, width="stretch", alt=f"{method.title}: {drawn.text}")
        color_bar(drawn.scale, drawn.text)
        if found.gap and found.gap.shortfall:
            st.caption(plain(found.gap.shortfall))
