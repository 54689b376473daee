"""Explain: which pixels speak for a class and which against it, by five methods side by side."""

import streamlit as st

from pages.shared.controls import require_run
from pages.shared.explanations import explanations
from pages.shared.layout import next_step, page, show_errors
from pages.shared.maps import training_note
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target

page("saliency")
with show_errors():
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        run = require_run()
        training_note(run)
        picture = pick_picture(run)
    with answering:
        target = pick_target(run, picture)
    explanations(run, picture, target)
next_step("Give the network a picture of your own", "classify")
