"""Feature maps: what each layer makes of one picture, pooling before and after."""

from functools import partial

import streamlit as st

from core.classroom.tour import map_question
from pages.shared.layer.feature_maps import answer, layer_maps
from pages.shared.network.comparison import require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.tour.card import tour_stop

page("feature_maps")
with show_errors():
    networks = require_weights()
    tour_stop("feature_maps", networks[0].id, partial(map_question, networks[0]))
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(networks[0])
    with answering:
        answer(networks, picture)
    layer_maps(networks, picture)
next_step("Ask which pixels mattered", "explain")
