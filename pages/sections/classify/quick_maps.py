"""Two quick explanations of the picture, and the way to all the others."""

from collections.abc import Sequence

import streamlit as st

from core.explain.methods.registry import METHODS
from core.inference.network import Network
from pages.shared.explanation.controls import HeatmapStyle, usual_methods
from pages.shared.explanation.maps import STYLE, comparable, map_cards, map_columns, map_title
from pages.shared.picture import input_image
from pages.shared.shell import navigation
from pages.shared.shell.layout import show_errors

QUICK = ("grad_cam", "integrated_gradients")
UNASKED_SECONDS = 30.0  # a picture that was just given is explained without a press: the slower of the two, too


@st.fragment
@show_errors()
def quick_maps(both: Sequence[Network], picture: input_image.InputImage, target: int) -> None:
    """Show what two methods say of a class, by their usual settings."""
    st.html(STYLE)
    both, answers = comparable(both, picture)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        map_title(both, answers, target)
        label = f"Compare all {len(METHODS)} methods"
        navigation.link("explain", label, icon=":material/compare:", target=str(target))
    names = usual_methods(both[0], QUICK)
    map_cards(map_columns(both, target), picture, names, HeatmapStyle(), own=False, unasked_seconds=UNASKED_SECONDS)
