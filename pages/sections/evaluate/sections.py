"""The sections of Evaluate, for one network or two."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.inference.network import Network
from pages.sections.evaluate.calibration_ranking import curves_section
from pages.sections.evaluate.confusion_matrix import ask_measure, confusion_section
from pages.sections.evaluate.galleries import ask_gallery, galleries_section
from pages.sections.evaluate.overview import overview_section
from pages.sections.evaluate.paired_test import contest_section
from pages.shared.evaluation.evaluate_split import NOTHING_HERE, EvaluatedSplit, judged
from pages.shared.evaluation.image_gallery import follow_image
from pages.shared.network.comparison import side_by_side
from pages.shared.network.missing_images import missing_images
from pages.shared.shell import navigation
from pages.shared.shell.layout import escape_markdown, show_errors

SECTIONS = {
    "overview": "Overview",
    "confusion": "Confusion",
    "curves": "Calibration & curves",
    "galleries": "Galleries",
    "contest": "Compare two",
}
ASK = {"confusion": ask_measure, "galleries": ask_gallery}  # what is asked once for both networks
DRAW = {
    "overview": overview_section,
    "confusion": confusion_section,
    "curves": curves_section,
    "galleries": galleries_section,
}


@st.fragment
@show_errors()
def evaluation(both: tuple[Network, ...], split: str, section: str) -> None:
    """Judge one network, or two side by side.

    Args:
        both: One or two.
        split: Key of `SPLITS`.
        section: Key of `SECTIONS`.
    """
    if both[0].pretrained is not None:
        _refuse(NOTHING_HERE)
        return
    if missing_images(both[0]):
        return
    if section == "contest":
        contest_section(both, split)
    else:
        ASK.get(section, _nothing)()
        _draw(both, split, section)
    follow_image(both)


def _draw(both: tuple[Network, ...], split: str, section: str) -> None:
    """Judge all before any is drawn: what is alike has one scale."""
    places, judgements = dict[int, DeltaGenerator](), dict[int, EvaluatedSplit]()

    def judge(side: int) -> None:
        if both[side].pretrained is None and missing_images(both[side], f"{side}_"):
            return
        found = judged(both[side], split, str(side))
        if found is not None:
            places[side], judgements[side] = st.container(), found

    side_by_side(both, judge)
    for side, found in judgements.items():
        alike = [other for other in judgements.values() if other.weights.dataset_name == found.weights.dataset_name]
        with places[side], show_errors():
            DRAW[section](found, side, alike)


def _nothing() -> None:
    """Ask nothing."""


def _refuse(reason: str) -> None:
    st.info(escape_markdown(reason), icon=":material/block:")
    with st.container(horizontal=True, gap="medium"):
        navigation.link("train", "Train a network", run=None)
        navigation.link("classify", "Give this one a picture of your own")
