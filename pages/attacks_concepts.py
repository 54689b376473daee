"""Attacks and concepts: attacks, the training images behind an answer, and concepts."""

import streamlit as st

from pages.sections.attacks_concepts import attacks, concepts, influence
from pages.shared.display.class_bars import pick_picture_and_target
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import choose_section

SECTIONS = (attacks.SECTION, influence.SECTION, concepts.SECTION)

page("attacks_concepts")
with show_errors():
    section = choose_section("What to ask", SECTIONS, "attacks_concepts_section")
    (network,) = require_weights(pair=False)
    result = st.container()  # it stands first, the choice of the picture below
    picture, target = pick_picture_and_target((network,))
    with result:
        section.draw(network, picture, target)
next_step("Give the network a picture of your own", "classify")
