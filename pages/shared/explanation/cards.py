"""One card for each method: its heatmaps for all chosen classes or networks in one scale, with a legend."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.base import Method
from core.explain.methods.registry import METHODS
from core.formatting import duration, number
from core.options import OptionValue
from core.progress import Progress
from pages.shared.explanation.controls import HeatmapStyle
from pages.shared.explanation.rendering import MapColumn, ShownExplanation, draw
from pages.shared.network import current_network, inference
from pages.shared.network.comparison import collect_results
from pages.shared.picture import input_image
from pages.shared.shell.background_jobs import background, is_asked, lane_of, want
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    from core.explain.attribution import Attribution

MAX_IMMEDIATE_SECONDS = 0.4  # what takes longer is done in the background
UNASKED_SECONDS = 3.0  # what takes longer than this waits for a press too


@dataclass(frozen=True)
class Waiting:
    """An explanation that is not computed yet: Streamlit's key of its place, its name and its cost."""

    place: str
    key: tuple[Hashable, ...]
    seconds: float


def compute_all(waiting: Sequence[Waiting]) -> None:
    """Offer to compute everything that waits at once; nothing where less than two do."""
    if len(waiting) < 2:
        return

    def ask() -> None:
        for each in waiting:
            want(each.place, each.key)

    label = f"Compute all {len(waiting)}, about {duration(sum(each.seconds for each in waiting))}"
    st.button(label, icon=":material/play_arrow:", key="compute_all", on_click=ask)


def card(
    method: Method,
    options: Mapping[str, OptionValue],
    views: Sequence[MapColumn],
    picture: input_image.InputImage,
    look: HeatmapStyle,
    unasked_seconds: float = UNASKED_SECONDS,
    without: Sequence[str] = (),
) -> list[ShownExplanation] | Waiting:
    """Draw the card of a method, and return the explanations that it shows, or that it waits to be asked.

    What takes longer than `unasked_seconds` waits for a press, unless it takes no time at all. Where the method's maps
    say nothing, those of the next one that is not among `without` stand in their place.
    """
    from core.explain.strength import maps_that_say_something

    with st.container(border=True, height="stretch", key=f"explained_{method.name}", gap="xsmall"), show_errors():
        head = st.container(gap="xsmall")
        results = _attributions(method, options, views, picture, unasked_seconds)
        shown, reason = method, ""
        if isinstance(results, list):
            name, attributions, reason = maps_that_say_something(
                method.name,
                results,
                lambda name: collect_results(views, partial(_explain, METHODS[name], {}, picture)),
                without=without,
            )
            shown, results = METHODS[name], list(attributions)
        with head:
            _head(shown, options if shown is method else {}, views, picture)
            if reason:
                st.caption(escape_markdown(reason))
        if isinstance(results, Waiting):
            return results
        if results is not None:
            return draw(shown, views, results, picture, look)
    return []


def _head(
    method: Method, options: Mapping[str, OptionValue], views: Sequence[MapColumn], picture: input_image.InputImage
) -> None:
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key=f"head_{method.name}"
    ):
        st.markdown(f"**{method.title}**", width="stretch")
        with st.popover("", icon=":material/help:", type="tertiary", key=f"about_{method.name}"):
            st.markdown(f"**What it measures.** {method.measures}")
            if method.promise:
                st.markdown(f"**What it promises.** {method.promise.words}")
            st.markdown(f"**What it cannot show.** {method.cannot}")
            if method.random:
                st.markdown("It draws random numbers, the same each time: the same question has one answer.")
            passes = _passes(method, options, picture)
            seconds = passes * current_network.pass_seconds(views[0].network)
            st.markdown(f"**What it costs.** {passes:,} passes through the network, about {number(seconds, 2)} s here.")
            st.caption(method.paper)


def _passes(method: Method, options: Mapping[str, OptionValue], picture: input_image.InputImage) -> int:
    return method.passes(method.resolve(options), picture.shape)


def _attributions(
    method: Method,
    options: Mapping[str, OptionValue],
    views: Sequence[MapColumn],
    picture: input_image.InputImage,
    unasked_seconds: float,
) -> "list[Attribution | ConvScopeError] | Waiting | None":
    """Return the explanations of all views: at once where that is quick, else as soon as the background has them."""
    from core.explain.compatibility import incompatibility

    reason = incompatibility(views[0].network.model, method.name, options)
    if reason:
        st.info(escape_markdown(reason), icon=":material/block:")
        return None
    passes = _passes(method, options, picture) * len(views)
    seconds = passes * current_network.pass_seconds(views[0].network)
    ask = partial(_explain, method, options, picture)
    if seconds <= MAX_IMMEDIATE_SECONDS:
        return collect_results(views, ask)
    questions = tuple((view.network.cache_key, view.target, view.versus) for view in views)
    key = (method.name, tuple(sorted(options.items())), picture.digest, questions)
    label = "" if seconds <= unasked_seconds else f"Compute, about {duration(max(1, seconds))}"
    work, words = partial(_in_turn, ask, views), f"{passes:,} passes"
    attributions = background(key, work, words=words, place=method.name, ask=label, lane=lane_of(seconds))
    waits = label and attributions is None and not is_asked(method.name, key)
    return Waiting(method.name, key, seconds) if waits else attributions


def _in_turn(
    ask: "Callable[..., Attribution]", views: Sequence[MapColumn], tell: Progress
) -> "list[Attribution | ConvScopeError]":
    """Explain one view after the other, and tell how far that is."""

    def one(view: MapColumn) -> "Attribution":
        before = views.index(view)
        return ask(view, lambda done, total: tell(before * total + done, len(views) * total))

    return collect_results(views, one)


def _explain(
    method: Method,
    options: Mapping[str, OptionValue],
    picture: input_image.InputImage,
    view: MapColumn,
    tell: Progress | None = None,
) -> "Attribution":
    settings: dict[str, Any] = dict(options)
    return inference.attribution(
        view.network, picture, view.target, method.name, versus=view.versus, progress=tell, **settings
    )
