"""How far the chosen methods agree about a picture: two matrices, and the pixels that they dispute."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.errors import ConvScopeError
from core.explain.attribution import heatmap
from core.explain.methods.registry import METHODS
from core.figures.overlays import faded, overlay
from core.figures.scales import ColorScale
from core.formatting import duration, formatted
from core.inference.network import Network
from core.progress import Progress
from pages.shared.display.map_grid import color_bar
from pages.shared.display.vega_charts import chart
from pages.shared.explanation.controls import chosen_methods, method_options
from pages.shared.network import current_network, inference
from pages.shared.network.comparison import side_by_side
from pages.shared.picture import input_image
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.explain.metrics.agreement import Agreement

MIN_COLUMN_PX = 340
_STYLE = """<style>
[class*="st-key-disputed_"] img { image-rendering: pixelated; }
[class*="st-key-disputed_"] [data-testid="stElementToolbar"] { display: none; }
</style>"""


def show_agreement(agreement: "Agreement", picture: input_image.InputImage, by: str, side: int) -> None:
    """Show what methods have in common: both matrices, and the pixels that they dispute over the picture.

    Args:
        agreement: How far they agree.
        picture: What the maps are of.
        by: "size" or "sign", what the ranks are of.
        side: Of which network, 0 or 1.
    """
    st.html(_STYLE)
    _sentence(agreement)
    with st.grid(2, min_column_width=MIN_COLUMN_PX, gap="medium"):
        with st.container(border=True, height="stretch", key=f"agreement_ranks_{side}"):
            _correlations(agreement, by, side)
        with st.container(border=True, height="stretch", key=f"agreement_tops_{side}"):
            _overlaps(agreement, side)
        with st.container(border=True, height="stretch", key=f"disputed_rank_{side}"):
            _disputed_ranks(agreement, picture)
        if agreement.sign_dispute is not None:
            with st.container(border=True, height="stretch", key=f"disputed_sign_{side}"):
                _disputed_signs(agreement, picture)
    for name, reason in agreement.left_out.items():
        st.caption(f"{name} is left out: {escape_markdown(reason)}")


def _sentence(agreement: "Agreement") -> None:
    """Say which pair agrees most and which least, and how many agree no more than chance."""
    pairs = agreement.pairs()
    most, least = pairs[0], pairs[-1]

    def said(pair: tuple[int, int]) -> str:
        shared = f"{agreement.overlap[pair]:.0%} of their top pixels in common"
        return f"rank correlation {formatted(agreement.correlation[pair], '.2f')}, {shared}"

    def named(pair: tuple[int, int]) -> str:
        return " and ".join(f"**{agreement.methods[index]}**" for index in pair)

    words = f"{named(most)} agree most: {said(most)}." if len(pairs) > 1 else f"{named(most)}: {said(most)}."
    if len(pairs) > 1:
        words += f" {named(least)} agree least: {said(least)}."
    weak = sum(bool(agreement.correlation[pair] <= agreement.correlation_chance[pair]) for pair in pairs)
    if len(pairs) == 1:
        words += " That is no more than chance gives." * weak
    elif weak:
        words += f" {weak} of {len(pairs)} pairs agree no more than chance gives."
    st.markdown(words)


def _correlations(agreement: "Agreement", by: str, side: int) -> None:
    signed = by == "sign"
    values = agreement.signed_correlation if signed else agreement.correlation
    chance = agreement.signed_chance if signed else agreement.correlation_chance
    names = [name for name, row in zip(agreement.methods, values, strict=True) if np.isfinite(row).any()]
    places = [agreement.methods.index(name) for name in names]
    title = "Rank correlation, with signs" if signed else "Rank correlation of sizes"
    scale = ColorScale("diverging", -1.0, 1.0)
    st.markdown(f"**{title}**")
    _matrix(
        names,
        values[np.ix_(places, places)],
        chance[np.ix_(places, places)],
        scale,
        f"agreement_rank_chart_{side}",
        title,
    )
    what = (
        "Only methods that tell for from against. Red: what speaks for the class in one does so in the other."
        if signed
        else "By size: for or against counts alike, since some methods cannot tell. Red: the same order of pixels."
    )
    color_bar(scale, f"{what} White: no relation. Blue: the reverse. {_by_chance(chance, places)}")


def _overlaps(agreement: "Agreement", side: int) -> None:
    title = f"Overlap of the top {agreement.share:.0%} of the pixels"
    scale = ColorScale("sequential", 0.0, 1.0)
    st.markdown(f"**{title}**")
    _matrix(agreement.methods, agreement.overlap, agreement.overlap_chance, scale, f"agreement_top_chart_{side}", title)
    words = "Pixels in the top of both, as a share of those in the top of either. Light: the same pixels; dark: none."
    color_bar(scale, f"{words} {_by_chance(agreement.overlap_chance, range(len(agreement.methods)))}")


def _by_chance(chance: "np.ndarray", places: Sequence[int]) -> str:
    values = [chance[first, second] for first in places for second in places if first < second]
    low, high = (f"{limit:.2f}" for limit in (min(values), max(values)))
    upto = high if low == high else f"{low} to {high}, depending on the pair"
    return f"By chance, one map shifted at random over the other, 95 of 100 stay below {upto}; * marks what is no more."


def _matrix(
    names: Sequence[str], values: "np.ndarray", chance: "np.ndarray", scale: ColorScale, key: str, title: str
) -> None:
    from core.figures.agreement import matrix_chart, matrix_rows

    rows = matrix_rows(names, values, chance, scale)
    said = "; ".join(f"{row['row']} and {row['column']} {row['label']}" for row in rows)
    chart(matrix_chart(names, title, scale, theme=session.theme()), rows, key=key, alt=f"{title}: {said}")


def _disputed_ranks(agreement: "Agreement", picture: input_image.InputImage) -> None:
    st.markdown("**Pixels whose weight is disputed**")
    figure = overlay(faded(picture.array(), signed=False), agreement.dispute, signed=False, percentile=100)
    st.image(figure.pixels, width="stretch", alt="The picture with the pixels whose weight the methods dispute")
    color_bar(
        figure.scale,
        "Spread of each pixel's rank over the methods, from 0 (all agree) to 0.5 (the most for half of them, the least "
        "for the others). Light: do not believe a single method here. Scaled to this map alone.",
    )


def _disputed_signs(agreement: "Agreement", picture: input_image.InputImage) -> None:
    assert agreement.sign_dispute is not None
    st.markdown("**Pixels whose sign is disputed**")
    figure = overlay(faded(picture.array(), signed=False), agreement.sign_dispute, signed=False, percentile=100)
    st.image(figure.pixels, width="stretch", alt="The picture with the pixels about whose sign the methods disagree")
    words = (
        "Share of the methods that contradict the majority on whether a pixel speaks for the class or against it; a "
        "method has a say at the half of the pixels that it holds for weightier."
    )
    if figure.scale.high:
        color_bar(figure.scale, f"{words} Light: they contradict one another.")
    else:
        st.caption(f"{words} They contradict one another nowhere.")


RANKINGS = {"size": "How much each pixel matters", "sign": "For and against"}
SECONDS_WITHOUT_PRESS = 5.0  # seconds: what takes longer waits for a click


def agreement_section(networks: Sequence[Network], picture: input_image.InputImage, target: int) -> None:
    """Show how far the chosen methods agree about a class of a picture, and where they do not.

    Args:
        networks: Whose network is asked, or the two that are compared.
        picture: What it looks at.
        target: Index of the class that is explained.
    """
    methods = chosen_methods()
    st.caption(
        "Where methods that work in different ways point at the same pixels, they are less likely to be wrong. "
        "Methods have different units, so ranks are compared: which pixels count more than others."
    )
    if len(methods) < 2:
        with st.container(border=True, key="empty_agreement"):
            st.markdown(
                "It takes two to agree. **Choose a second method under Settings** to compare it with the first."
            )
        return
    by = ask_one("Compare", RANKINGS, "agreement_by") if sum(METHODS[name].signed for name in methods) > 1 else "size"

    def draw(side: int) -> None:
        with show_errors():
            agreement = _agreement(networks[side], picture, target, methods, side)
            if agreement is not None:
                show_agreement(agreement, picture, by, side)

    side_by_side(networks, draw, width=MIN_COLUMN_PX)


def _agreement(
    network: Network, picture: input_image.InputImage, target: int, methods: Sequence[str], side: int
) -> "Agreement | None":
    """Return how far the methods agree once all have answered; draw how far they are until then, and return None."""
    settings = {name: method_options(name) for name in methods}
    key = (
        network.cache_key,
        picture.digest,
        target,
        tuple((name, *sorted(settings[name].items())) for name in methods),
    )
    work = partial(_compare, network, picture, target, settings)
    seconds = sum(_passes(name, settings[name], picture) for name in methods) * current_network.pass_seconds(network)
    agreement = background(
        ("agreement", *key),
        work,
        words=f"{len(methods)} methods explain",
        place=f"agreement_{side}",
        ask=f"Compute all {len(methods)}, about {duration(seconds)}" if seconds > SECONDS_WITHOUT_PRESS else "",
        lane=lane_of(seconds),
    )
    return None if agreement is None else agreement[0]


def _passes(name: str, options: Mapping[str, Any], picture: input_image.InputImage) -> int:
    return METHODS[name].passes(METHODS[name].resolve(options), picture.shape)


def _compare(
    network: Network,
    picture: input_image.InputImage,
    target: int,
    settings: Mapping[str, Mapping[str, Any]],
    progress: Progress,
) -> "tuple[Agreement, tuple[ConvScopeError, ...]]":
    """Explain by every method and compare the maps; one that cannot answer is left out, and why is returned beside."""
    from core.explain.metrics.agreement import agreement_of

    maps, errors = dict[str, Any](), dict[str, ConvScopeError]()
    passes = {name: _passes(name, options, picture) for name, options in settings.items()}
    total, before = sum(passes.values()), 0
    for name, options in settings.items():

        def tell(done: int, of: int, before: int = before, own: int = passes[name]) -> None:
            progress(before + own * done // max(1, of), total)

        try:
            attribution = inference.attribution(network, picture, target, name, progress=tell, **options)
            maps[METHODS[name].title] = heatmap(attribution).numpy()
        except ConvScopeError as error:
            errors[METHODS[name].title] = error
        before += passes[name]
        progress(before, total)
    signed = {METHODS[name].title for name in settings if METHODS[name].signed}
    reasons = {title: str(error) for title, error in errors.items()}
    return agreement_of(maps, signed, left_out=reasons), tuple(errors.values())


SECTION = Section("agreement", "Disagreement", agreement_section, heading=lambda *_: "Do the methods agree?")
