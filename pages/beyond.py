"""Beyond pixels: attacks, the training images behind an answer, and concepts."""

import streamlit as st

from pages.shared.attacks import attack_section
from pages.shared.compare import require_weights
from pages.shared.concepts import concept_section
from pages.shared.controls import ask_one
from pages.shared.influences import influence_section
from pages.shared.layout import next_step, page, show_errors
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target

SECTIONS = {"attack": "Attack", "training": "Training images", "concepts": "Concepts"}
DRAW = {"attack": attack_section, "training": influence_section, "concepts": concept_section}

page("beyond")
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
