"""How far the chosen methods agree about a picture: two matrices, and the pixels that they dispute."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods import METHODS
from core.inference.network import Network
from pages.shared import networks, results, subjects
from pages.shared.agreement_views import NARROWEST, show_agreement
from pages.shared.compare import side_by_side
from pages.shared.controls import ask_one
from pages.shared.explanation_controls import chosen_methods, method_options
from pages.shared.jobs import Progress, background, lane_of
from pages.shared.layout import show_errors
from pages.shared.live import duration

if TYPE_CHECKING:
    from core.explain.agreement import Agreement

BY = {"size": "How much each pixel matters", "sign": "For and against"}
UNASKED = 5.0  # seconds: what takes longer waits for a click


@st.fragment
def agreement_section(both: Sequence[Network], picture: subjects.Picture, target: int) -> None:
    """Show how far the chosen methods agree about a class of a picture, and where they do not.

    Args:
        both: Whose network is asked, or the two that are compared.
        picture: What it looks at.
        target: Index of the class that is explained.
    """
    methods = chosen_methods()
    st.subheader("Do the methods agree?", anchor=False)
    st.caption(
        "Where methods that work in different ways point at the same pixels, they are less likely to be wrong. "
        "Methods have different units, so ranks are compared: which pixels count more than others."
    )
    if len(methods) < 2:
        with st.container(border=True, key="empty_agreement"):
            st.markdown("It takes two to agree. **Choose a second method above** to compare it with the first.")
        return
    by = ask_one("Compare", BY, "agreement_by") if sum(METHODS[name].signed for name in methods) > 1 else "size"

    def draw(side: int) -> None:
        with show_errors():
            found = _agreement(both[side], picture, target, methods, side)
            if found is not None:
                show_agreement(found, picture, by, side)

    side_by_side(both, draw, width=NARROWEST)


def _agreement(
    weights: Network, picture: subjects.Picture, target: int, methods: Sequence[str], side: int
) -> "Agreement | None":
    """Return how far the methods agree once all have answered; draw how far they are until then, and return None."""
    settings = {name: method_options(name) for name in methods}
    key = (weights.mark, picture.digest, target, tuple((name, *sorted(settings[name].items())) for name in methods))
    work = partial(_compare, weights, picture, target, settings)
    seconds = sum(_passes(name, settings[name], picture) for name in methods) * networks.pass_seconds(weights)
    found = background(
        ("agreement", *key),
        work,
        words=f"{len(methods)} methods explain",
        place=f"agreement_{side}",
        ask=f"Compute all {len(methods)}, about {duration(seconds)}" if seconds > UNASKED else "",
        lane=lane_of(seconds),
    )
    return None if found is None else found[0]


def _passes(name: str, options: Mapping[str, Any], picture: subjects.Picture) -> int:
    return METHODS[name].passes(METHODS[name].resolve(options), picture.shape)


def _compare(
    weights: Network,
    picture: subjects.Picture,
    target: int,
    settings: Mapping[str, Mapping[str, Any]],
    progress: Progress,
) -> "tuple[Agreement, tuple[ConvScopeError, ...]]":
    """Explain by every method and compare the maps; one that cannot answer is left out, and why is returned beside."""
    from core.explain.agreement import agreement_of
    from core.explain.attribution import heatmap

    maps, errors = dict[str, Any](), dict[str, ConvScopeError]()
    passes = {name: _passes(name, options, picture) for name, options in settings.items()}
    total, before = sum(passes.values()), 0
    for name, options in settings.items():

        def tell(done: int, of: int, before: int = before, own: int = passes[name]) -> None:
            progress(before + own * done // max(1, of), total)

        try:
            found = results.attribution(weights, picture, target, name, progress=tell, **options)
            maps[METHODS[name].title] = heatmap(found).numpy()
        except ConvScopeError as error:
            errors[METHODS[name].title] = error
        before += passes[name]
        progress(before, total)
    signed = {METHODS[name].title for name in settings if METHODS[name].signed}
    reasons = {title: str(error) for title, error in errors.items()}
    return agreement_of(maps, signed, left_out=reasons), tuple(errors.values())
