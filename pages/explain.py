"""Explain: which pixels speak for a class and which against it, by every method of Captum, and how far to trust it."""

from functools import partial

import streamlit as st

from pages.sections.explain import agreement, maps, through_time, trust
from pages.sections.explain.tour_guess import pixels_guess
from pages.shared.display.class_bars import pick_picture_and_target, pick_target
from pages.shared.explanation.controls import ask_settings
from pages.shared.network.comparison import require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import choose_section
from pages.shared.tour.card import tour_stop

SECTIONS = (maps.SECTION, trust.SECTION, agreement.SECTION, through_time.SECTION)

page("explain")
with show_errors():
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        section = choose_section("What to look at", SECTIONS, "explain_section")
        settings = st.container(width="content")
    networks = require_weights()
    stop = st.container()
    # The result stands first; the picture and the class are chosen beside it, or below what needs the whole width.
    if section.key == "maps":
        result, choice = st.columns([5, 3], gap="large")
        with choice:
            answer = st.container()
            picture = pick_picture(networks[0])
            with answer:
                target = pick_target(networks, picture)
    else:
        result, choice = st.container(), st.container()
        with choice:
            picture, target = pick_picture_and_target(networks)
    with stop:
        tour_stop("explain", networks[0].id, partial(pixels_guess, networks[0], picture, target))
    with settings:
        chosen = ask_settings(networks[0], picture, target)
    with result:
        st.caption(chosen)
        section.draw(networks, picture, target)
next_step("See what turns the answer, and what taught it", "attacks_concepts")
