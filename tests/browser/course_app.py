"""The course of an explanation alone, for `test_explanation_course.py`."""

import streamlit as st

from pages.shared.compare import require_weights
from pages.shared.explanation_course import time_section
from pages.shared.layout import show_errors
from pages.shared.pictures import pick_picture
from pages.shared.predictions import pick_target

st.set_page_config(layout="wide")
with show_errors():
    both = require_weights()
    picture = pick_picture(both[0].run)
    time_section(both, picture, pick_target(both, picture))
