"""Classical vision: what people computed from pictures before networks learned to, beside what this network learned."""

import streamlit as st

from pages.sections.classical_vision import first_filters, hog_baseline, kernel_matches, operations
from pages.shared.layer.feature_maps import answer
from pages.shared.network.comparison import require_weights
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import draw_sections

SECTIONS = (operations.SECTION, kernel_matches.SECTION, hog_baseline.SECTION, first_filters.SECTION)

page("classical_vision")
with show_errors():
    networks = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(networks[0])
    with answering:
        answer(networks, picture)
    draw_sections(SECTIONS, networks, picture)
next_step("See all learned filters", "filters")
