"""How far to trust a map: what the network does when its pixels go, and what the map does when the network forgets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.explain.strength import in_place_of, maps_that_say_something
from core.inference.network import Network
from pages.sections.explain.deletion_insertion import removal_panel
from pages.sections.explain.pointing_game import league_panel
from pages.sections.explain.sanity_checks import checks_panel
from pages.sections.explain.trust_request import STYLE, TrustRequest, ask_map, unfit
from pages.shared.network import inference
from pages.shared.network.comparison import unwrap
from pages.shared.picture import input_image
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.explain.attribution import Attribution


def trust_section(networks: Sequence[Network], picture: input_image.InputImage, target: int) -> None:
    """Check one map of a class of a picture, and, where the objects are known, the methods over many pictures.

    Args:
        networks: Whose map it is; of two networks the first.
        picture: What is explained.
        target: Index of the class.
    """
    st.html(STYLE)
    st.caption(
        "A map always looks like an answer. These checks ask the network itself, and hold every number against what a "
        "random map scores."
    )
    with show_errors():
        request = ask_map(networks, picture, target)
        reason = unfit(request)
        attribution = None if reason else request.found()
        if attribution is not None:
            request, attribution = _that_says_something(request, attribution)
        if reason:
            st.info(reason, icon=":material/block:")
        elif attribution is not None and attribution.blank:
            st.info(
                f"{request.method.title} gave a blank map. {escape_markdown(attribution.blank)}",
                icon=":material/block:",
            )
        elif attribution is not None:
            removal_panel(request, attribution)
            checks_panel(request, attribution)
    league_panel(networks[0])


def _that_says_something(request: TrustRequest, attribution: "Attribution") -> "tuple[TrustRequest, Attribution]":
    """Return the map, or that of the next method with a sentence where this one says nothing."""

    def explain(name: str) -> "list[Attribution | ConvScopeError]":
        return [inference.attribution(request.network, request.picture, request.target, name, versus=request.versus)]

    name, (found,), why = maps_that_say_something(request.method.name, [attribution], explain)
    if not why:
        return request, attribution
    st.caption(escape_markdown(in_place_of(name, why)))
    return replace(request, method=METHODS[name], options=()), unwrap(found)


SECTION = Section("trust", "Trust", trust_section, heading=lambda *_: "How far can this map be trusted?")
