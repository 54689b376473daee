"""Feature maps: what each layer makes of one picture, pooling before and after."""

import streamlit as st

from pages.shared.compare import require_weights
from pages.shared.feature_maps import answer, layer_maps
from pages.shared.layout import next_step, page, show_errors
from pages.shared.pictures import pick_picture

page("feature_maps")
with show_errors():
    both = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(both[0])
    with answering:
        answer(both, picture)
    layer_maps(both, picture)
next_step("Ask which pixels mattered", "saliency")
