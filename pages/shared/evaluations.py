"""The sections of Evaluate, for one network or two."""

import streamlit as st

from pages.shared import menu, results
from pages.shared.compare import side_by_side
from pages.shared.evaluation_contest import contest_section
from pages.shared.evaluation_curves import curves_section
from pages.shared.evaluation_galleries import ask_gallery, galleries_section
from pages.shared.evaluation_images import follow_image
from pages.shared.evaluation_matrix import ask_measure, confusion_section
from pages.shared.evaluation_overview import overview_section
from pages.shared.judgements import NOTHING_HERE, judged
from pages.shared.layout import plain, show_errors
from pages.shared.pretrained import Pretrained

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
def evaluation(both: tuple[results.Weights, ...], split: str, section: str) -> None:
    """Judge one network, or two side by side.

    Args:
        both: One or two.
        split: Key of `SPLITS`.
        section: Key of `SECTIONS`.
    """
    if isinstance(both[0].run, Pretrained):
        _refuse()
        return
    if section == "contest":
        contest_section(both, split)
    else:
        ASK.get(section, _nothing)()

        def draw(side: int) -> None:
            found = judged(both[side], split, str(side))
            if found is not None:
                DRAW[section](found, side, not side or both[1].run.dataset != both[0].run.dataset)

        side_by_side(both, draw)
    follow_image(both)


def _nothing() -> None:
    """Ask nothing."""


def _refuse() -> None:
    st.info(plain(NOTHING_HERE), icon=":material/block:")
    with st.container(horizontal=True, gap="medium"):
        menu.link("train", "Train a network", run=None)
        menu.link("classify", "Give this one a picture of your own")
