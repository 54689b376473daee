"""By hand: what people computed from pictures before networks learned to, beside what this network learned."""

import streamlit as st

from pages.shared.classical import operations
from pages.shared.classical_contest import contest
from pages.shared.classical_matches import matches
from pages.shared.classical_start import start_by_hand
from pages.shared.compare import require_weights
from pages.shared.feature_maps import answer
from pages.shared.layout import next_step, page, show_errors
from pages.shared.missing_images import missing_images
from pages.shared.pictures import pick_picture

page("classical")
with show_errors():
    both = require_weights()
    asking, answering = st.columns([3, 2], gap="large")
    with asking:
        picture = pick_picture(both[0])
    with answering:
        answer(both, picture)
    operations(both, picture)
    matches(both)
    if not missing_images(both[0]):
        contest(both)
        start_by_hand(both[0].require_run())
next_step("See all learned filters", "filters")
