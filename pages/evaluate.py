"""Evaluate: how good a network is on images it did not learn from, where it errs, and whether another is better."""

from functools import partial

import streamlit as st

from pages.sections.evaluate import calibration_ranking, confusion_matrix, galleries, overview, paired_test
from pages.sections.evaluate.tour_guess import mixed_up_guess
from pages.shared.evaluation.evaluate_split import ask_split
from pages.shared.network.comparison import require_weights
from pages.shared.network.counterpart import begin_comparison
from pages.shared.network.picker import network_or_end
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import choose_section
from pages.shared.tour.card import tour_stop

SECTIONS = (
    overview.SECTION,
    confusion_matrix.SECTION,
    calibration_ranking.SECTION,
    galleries.SECTION,
    paired_test.SECTION,
)

page("evaluate")
with show_errors():
    section = choose_section("What to look at", SECTIONS, "evaluate_section")
    # To compare two is chosen: the switch goes on by itself, once, and B offers the other trainings.
    if section.key == "contest" and st.session_state.get("evaluate_before") != section.key:
        begin_comparison(network_or_end())
    st.session_state["evaluate_before"] = section.key
    networks = require_weights()
    tour_stop("evaluate", networks[0].id, partial(mixed_up_guess, networks[0]))
    result = st.container()  # it stands first, the choice of the images below
    split = ask_split()
    with result:
        section.draw(networks, split)
next_step("Ask which pixels speak for an answer", "explain")
