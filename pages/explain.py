"""Explain: which pixels speak for a class and which against it, by every method of Captum, and how far to trust it."""

import streamlit as st

from pages.sections.explain.agreement import agreement_section
from pages.sections.explain.epochs import time_section
from pages.sections.explain.trust import trust_section
from pages.shared.display.class_bars import pick_target
from pages.shared.explanation.controls import ask_methods
from pages.shared.explanation.section import maps_section
from pages.shared.network.comparison import require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import next_step, page, show_errors

SHOW = {"maps": maps_section, "trust": trust_section, "agreement": agreement_section, "time": time_section}
SECTIONS = {"maps": "Maps", "trust": "Trust", "agreement": "Disagreement", "time": "Through time"}

page("explain")
with show_errors():
    both = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(both[0])
    with answering:
        target = pick_target(both, picture)
    section = ask_one("What to look at", SECTIONS, "saliency_section")
    ask_methods(both[0])
    SHOW[section](both, picture, target)
next_step("See what turns the answer, and what taught it", "attacks_concepts")
