"""Evaluate: how good a network is on images it did not learn from, where it errs, and whether another is better."""

import streamlit as st

from pages.sections.evaluate import calibration_ranking, confusion_matrix, galleries, overview, paired_test
from pages.shared.evaluation.evaluate_split import ask_split
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import choose_section

SECTIONS = (
    overview.SECTION,
    confusion_matrix.SECTION,
    calibration_ranking.SECTION,
    galleries.SECTION,
    paired_test.SECTION,
)

page("evaluate")
with show_errors():
    with st.container(horizontal=True, gap="medium"):
        section = choose_section("What to look at", SECTIONS, "evaluate_section")
        split = ask_split()
    section.draw(require_weights(), split)
next_step("Ask which pixels speak for an answer", "explain")
