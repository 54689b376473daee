"""Classify: a picture of your own, what the network makes of it, and why."""

import streamlit as st

from pages.sections.classify.batch import batch_section
from pages.sections.classify.nearest import nearest_section
from pages.sections.classify.preprocessing import closed_set_warning, show_stages
from pages.sections.classify.reliability import verdict_section
from pages.sections.classify.stability import stability_section
from pages.shared.display.class_bars import pick_target
from pages.shared.explanation.section import brief
from pages.shared.network.comparison import about_first, require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import next_step, page, show_errors

page("classify")
with show_errors():
    both = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(both[0], own=True)
        show_stages(both[0])
    with answering:
        target = pick_target(both, picture)
        about_first(both)
        verdict_section(both[0], picture)
        closed_set_warning(both[0])
    batch_section(both[0])
    brief(both, picture, target)
    about_first(both)
    nearest_section(both[0], picture)
    stability_section(both[0], picture, target)
next_step("Change the network and train it again", "build")
