"""Classify: a picture of your own, what the network makes of it, and why."""

import streamlit as st

from pages.shared.batch import batch_section
from pages.shared.compare import about_first, require_weights
from pages.shared.explanations import brief
from pages.shared.layout import next_step, page, show_errors
from pages.shared.nearest import nearest_section
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target
from pages.shared.stability import stability_section
from pages.shared.stages import caution, show_stages
from pages.shared.verdict import verdict_section

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
        caution(both[0])
    batch_section(both[0])
    brief(both, picture, target)
    about_first(both)
    nearest_section(both[0], picture)
    stability_section(both[0], picture, target)
next_step("Change the network and train it again", "build")
