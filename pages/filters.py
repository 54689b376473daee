"""Filters: the kernels of every convolution, now and before training."""

import streamlit as st

from pages.shared.controls import require_run
from pages.shared.filters import filter_grid
from pages.shared.layout import next_step, page, show_errors
from pages.shared.maps import training_note

page("filters")
with show_errors():
    with st.container(width=440):
        run = require_run()
        training_note(run)
    filter_grid(run)
next_step("See what these filters make of an image", "feature_maps")
