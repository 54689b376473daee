"""Explain: which pixels speak for a class and which against it, by five methods side by side."""

import streamlit as st

from pages.shared.compare import require_weights
from pages.shared.explanations import explanations
from pages.shared.layout import next_step, page, show_errors
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target

page("saliency")
with show_errors():
    both = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(both[0].run)
    with answering:
        target = pick_target(both, picture)
    explanations(both, picture, target)
next_step("Give the network a picture of your own", "classify")
