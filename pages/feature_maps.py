"""Feature maps: what each layer makes of one picture, pooling before and after."""

import streamlit as st

from pages.shared.controls import require_run
from pages.shared.feature_maps import answer, layer_maps
from pages.shared.layout import next_step, page, show_errors
from pages.shared.maps import training_note
from pages.shared.pictures import pick_picture

page("feature_maps")
with show_errors():
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        run = require_run()
        training_note(run)
        picture = pick_picture(run)
    with answering:
        answer(run, picture)
    layer_maps(run, picture)
next_step("Ask which pixels mattered", "saliency")
