"""Classical vision: what people computed from pictures before networks learned to, beside what this network learned."""

import streamlit as st

from pages.sections.classical_vision.hog_baseline import contest
from pages.sections.classical_vision.kernel_matches import matches, start_by_hand
from pages.sections.classical_vision.operations import operations
from pages.shared.layer.feature_maps import answer
from pages.shared.network.comparison import require_weights
from pages.shared.network.missing_images import missing_images
from pages.shared.picture.picker import pick_picture
from pages.shared.shell.layout import next_step, page, show_errors

page("classical_vision")
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
