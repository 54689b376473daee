"""Images worth a look: those that the network gets most wrong, finds hardest, or whose label may be wrong."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.evaluate.each_network import for_each, judging_section
from pages.shared.evaluation.evaluate_split import SPLITS, EvaluatedSplit
from pages.shared.evaluation.image_gallery import image_row
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown


def ask_gallery() -> None:
    """Ask for one gallery of `core.evaluation.GALLERIES`."""
    from core.evaluation.galleries import GALLERIES

    ask_one("Gallery", {name: gallery.title for name, gallery in GALLERIES.items()}, "evaluation_gallery")


def galleries_section(evaluated: EvaluatedSplit, side: int, alike: Sequence[EvaluatedSplit]) -> None:
    """Show the images of the gallery that was asked for."""
    from core.evaluation.galleries import GALLERIES

    name = st.session_state.get("evaluation_gallery") or next(iter(GALLERIES))
    gallery = GALLERIES[name]
    images = gallery.order(evaluated.report.answers)
    st.markdown(escape_markdown(gallery.about))
    if not len(images):
        st.info(gallery.none, icon=":material/check:")
        return
    many = f"{len(images):,} of {len(evaluated.images):,} {SPLITS[evaluated.split].lower()}. "
    st.caption(
        many * (len(images) < len(evaluated.images)) + "Above: what it says and how sure it is; below: the label. "
        "Click an image to see why."
    )
    image_row(evaluated, images, f"gallery_{name}_{side}", side)


SECTION = judging_section("galleries", "Galleries", for_each(galleries_section, ask_gallery))
