"""Evaluate: how good a network is on images it did not learn from, where it errs, and whether another is better."""

import streamlit as st

from pages.sections.evaluate.sections import SECTIONS, evaluation
from pages.shared.evaluation.evaluate_split import ask_split
from pages.shared.network.comparison import require_weights
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import next_step, page, show_errors

page("evaluate")
with show_errors():
    with st.container(horizontal=True, gap="medium"):
        section = ask_one("What to look at", SECTIONS, "evaluate_section")
        split = ask_split()
    both = require_weights()
    evaluation(both, split, section)
next_step("Ask which pixels speak for an answer", "explain")
