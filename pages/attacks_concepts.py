"""Attacks and concepts: attacks, the training images behind an answer, and concepts."""

import streamlit as st

from pages.sections.attacks_concepts.attacks import attack_section
from pages.sections.attacks_concepts.concepts import concept_section
from pages.sections.attacks_concepts.influence import influence_section
from pages.shared.display.class_bars import pick_target
from pages.shared.network.comparison import require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import next_step, page, show_errors

SECTIONS = {"attack": "Attack", "training": "Training images", "concepts": "Concepts"}
DRAW = {"attack": attack_section, "training": influence_section, "concepts": concept_section}

page("attacks_concepts")
with show_errors():
    section = ask_one("What to ask", SECTIONS, "beyond_section")
    (weights,) = require_weights(pair=False)
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(weights)
    with answering:
        target = pick_target([weights], picture)
    DRAW[section](weights, picture, target)
next_step("Give the network a picture of your own", "classify")
