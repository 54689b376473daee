"""Classify: a picture of your own, what the network makes of it, and why."""

import streamlit as st

from pages.sections.classify import batch, nearest, stability
from pages.sections.classify.preprocessing import closed_set_warning, show_stages
from pages.sections.classify.quick_maps import quick_maps
from pages.sections.classify.reliability import verdict_section
from pages.shared.display.class_bars import pick_target
from pages.shared.network.comparison import about_first, require_weights
from pages.shared.picture.picker import pick_with_stages
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import draw_sections

page("classify")
with show_errors():
    networks = require_weights()
    # The answer and why stand first; beside them the picture is given.
    result, asking = st.columns([3, 2], gap="large")
    with asking:
        picture, stages = pick_with_stages(networks[0], own=True)
        show_stages(networks[0], picture, stages)
    with result:
        target = pick_target(networks, picture)
        about_first(networks)
        verdict_section(networks[0], picture)
        quick_maps(networks, picture, target)
        closed_set_warning(networks[0])
    batch.SECTION.draw(networks[0])
    about_first(networks)
    draw_sections((nearest.SECTION, stability.SECTION), networks[0], picture, target)
next_step("Change the network", "build")
