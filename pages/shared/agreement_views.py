"""What methods have in common, drawn: two matrices, the pixels that they dispute, and all of it in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.overlays import faded, overlay
from core.figures.scales import ColorScale
from pages.shared import state, subjects
from pages.shared.charts import chart
from pages.shared.layout import plain
from pages.shared.maps import color_bar

if TYPE_CHECKING:
    from core.explain.agreement import Agreement

NARROWEST = 340
_STYLE = """<style>
[class*="st-key-disputed_"] img { image-rendering: pixelated; }
[class*="st-key-disputed_"] [data-testid="stElementToolbar"] { display: none; }
</style>"""


def show_agreement(found: "Agreement", picture: subjects.Picture, by: str, side: int) -> None:
    """Show what methods have in common: both matrices, and the pixels that they dispute over the picture.

    Args:
        found: How far they agree.
        picture: What the maps are of.
        by: "size" or "sign", what the ranks are of.
        side: Of which network, 0 or 1.
    """
    st.html(_STYLE)
    _sentence(found)
    with st.grid(2, min_column_width=NARROWEST, gap="medium"):
        with st.container(border=True, height="stretch", key=f"agreement_ranks_{side}"):
            _correlations(found, by, side)
        with st.container(border=True, height="stretch", key=f"agreement_tops_{side}"):
            _overlaps(found, side)
        with st.container(border=True, height="stretch", key=f"disputed_rank_{side}"):
            _disputed_ranks(found, picture)
        if found.sign_dispute is not None:
            with st.container(border=True, height="stretch", key=f"disputed_sign_{side}"):
                _disputed_signs(found, picture)
    for name, reason in found.left_out.items():
        st.caption(f"{name} is left out: {plain(reason)}")


def _sentence(found: "Agreement") -> None:
    """Say which pair agrees most and which least, and how many agree no more than chance."""
    pairs = found.pairs()
    most, least = pairs[0], pairs[-1]

    def said(pair: tuple[int, int]) -> str:
        shared = f"{found.overlap[pair]:.0%} of their top pixels in common"
        return f"rank correlation {found.correlation[pair]:.2f}, {shared}".replace("-", "−")

    def named(pair: tuple[int, int]) -> str:
        return " and ".join(f"**{found.methods[index]}**" for index in pair)

    words = f"{named(most)} agree most: {said(most)}." if len(pairs) > 1 else f"{named(most)}: {said(most)}."
    if len(pairs) > 1:
        words += f" {named(least)} agree least: {said(least)}."
    weak = sum(bool(found.correlation[pair] <= found.correlation_chance[pair]) for pair in pairs)
    if len(pairs) == 1:
        words += " That is no more than chance gives." * weak
    elif weak:
        words += f" {weak} of {len(pairs)} pairs agree no more than chance gives."
    st.markdown(words)


def _correlations(found: "Agreement", by: str, side: int) -> None:
    signed = by == "sign"
    values = found.signed_correlation if signed else found.correlation
    chance = found.signed_chance if signed else found.correlation_chance
    names = [name for name, row in zip(found.methods, values, strict=True) if np.isfinite(row).any()]
    kept = [found.methods.index(name) for name in names]
    title = "Rank correlation, with signs" if signed else "Rank correlation of sizes"
    scale = ColorScale("diverging", -1.0, 1.0)
    st.markdown(f"**{title}**")
    _matrix(names, values[np.ix_(kept, kept)], chance[np.ix_(kept, kept)], scale, f"agreement_rank_chart_{side}", title)
    what = (
        "Only methods that tell for from against. Red: what speaks for the class in one does so in the other."
        if signed
        else "By size: for or against counts alike, since some methods cannot tell. Red: the same order of pixels."
    )
    color_bar(scale, f"{what} White: no relation. Blue: the reverse. {_by_chance(chance, kept)}")


def _overlaps(found: "Agreement", side: int) -> None:
    title = f"Overlap of the top {found.share:.0%} of the pixels"
    scale = ColorScale("sequential", 0.0, 1.0)
    st.markdown(f"**{title}**")
    _matrix(found.methods, found.overlap, found.overlap_chance, scale, f"agreement_top_chart_{side}", title)
    words = "Pixels in the top of both, as a share of those in the top of either. Light: the same pixels; dark: none."
    color_bar(scale, f"{words} {_by_chance(found.overlap_chance, range(len(found.methods)))}")


def _by_chance(chance: "np.ndarray", kept: Sequence[int]) -> str:
    values = [chance[first, second] for first in kept for second in kept if first < second]
    low, high = (f"{limit:.2f}" for limit in (min(values), max(values)))
    upto = high if low == high else f"{low} to {high}, depending on the pair"
    return f"By chance, one map shifted at random over the other, 95 of 100 stay below {upto}; * marks what is no more."


def _matrix(
    names: Sequence[str], values: "np.ndarray", chance: "np.ndarray", scale: ColorScale, key: str, title: str
) -> None:
    from core.figures.agreement import matrix_chart, matrix_rows

    rows = matrix_rows(names, values, chance, scale)
    said = "; ".join(f"{row['row']} and {row['column']} {row['label']}" for row in rows)
    chart(matrix_chart(names, title, scale, theme=state.theme()), rows, key=key, alt=f"{title}: {said}")


def _disputed_ranks(found: "Agreement", picture: subjects.Picture) -> None:
    st.markdown("**Pixels whose weight is disputed**")
    drawn = overlay(faded(picture.array(), signed=False), found.dispute, signed=False, percentile=100)
    st.image(drawn.pixels, width="stretch", alt="The picture with the pixels whose weight the methods dispute")
    color_bar(
        drawn.scale,
        "Spread of each pixel's rank over the methods, from 0 (all agree) to 0.5 (the most for half of them, the least "
        "for the others). Light: do not believe a single method here. Scaled to this map alone.",
    )


def _disputed_signs(found: "Agreement", picture: subjects.Picture) -> None:
    assert found.sign_dispute is not None
    st.markdown("**Pixels whose sign is disputed**")
    drawn = overlay(faded(picture.array(), signed=False), found.sign_dispute, signed=False, percentile=100)
    st.image(drawn.pixels, width="stretch", alt="The picture with the pixels about whose sign the methods disagree")
    words = (
        "Share of the methods that contradict the majority on whether a pixel speaks for the class or against it; a "
        "method has a say at the half of the pixels that it holds for weightier."
    )
    if drawn.scale.high:
        color_bar(drawn.scale, f"{words} Light: they contradict one another.")
    else:
        st.caption(f"{words} They contradict one another nowhere.")
