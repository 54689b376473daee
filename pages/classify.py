"""Classify: a picture of your own, what the network makes of it, and why."""

import streamlit as st

from pages.shared.controls import require_run
from pages.shared.explanations import explanations
from pages.shared.layout import next_step, page, show_errors
from pages.shared.maps import training_note
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target
from pages.shared.stages import caution, show_stages

page("classify")
with show_errors():
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        run = require_run()
        training_note(run)
        picture = pick_picture(run, own=True)
        show_stages(run)
    with answering:
        target = pick_target(run, picture)
        caution(run)
    explanations(run, picture, target, all_methods=False)
next_step("Change the network and train it again", "build")
