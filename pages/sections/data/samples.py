"""What is in a data set: its splits, and images of each class."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.sections.data.balance import class_counts
from pages.shared.shell import services
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.data.datasets import Dataset

IMAGES_PER_CLASS = 8
PURPOSES = {
    "train": "To learn from.",
    "valid": "For choices, such as when to stop.",
    "test": "For the final mark, never for choosing.",
}


@st.cache_data(show_spinner=False, max_entries=256)
def _strip(name: str, split: str, label: int, start: int, masked: bool) -> bytes:
    from core.figures.grids import sample_strip

    part = services.dataset(name).split(split)
    members = (part.labels == label).nonzero()[:, 0].roll(-start)[:IMAGES_PER_CLASS]
    masks = part.masks[members].numpy() if masked and part.masks is not None else None
    return sample_strip(part.images[members].numpy(), masks)


def samples(name: str) -> None:
    """Show some images of each class of a split, one strip for each."""
    dataset, counts = services.dataset(name), class_counts(name)
    split = st.radio(
        "Split",
        list(PURPOSES),
        format_func=str.capitalize,  # a label that changes is a choice that the browser forgets
        captions=[f"{sum(counts[split]):,}. {purpose}" for split, purpose in PURPOSES.items()],
        horizontal=True,
        key="split",
    )
    start, masked = _which(dataset, name)
    with st.grid(2, min_column_width=300, gap=("small", "large"), key="samples"):
        for label, class_name in enumerate(dataset.class_names):
            with st.container(gap="xxsmall"):
                st.markdown(f"**{escape_markdown(class_name)}** :gray[· {counts[split][label]:,}]")
                st.image(
                    _strip(name, split, label, start * IMAGES_PER_CLASS % max(1, counts[split][label]), masked),
                    width="stretch",
                    alt=f"{IMAGES_PER_CLASS} images of class {class_name}",
                )
    shade = " Dimmed pixels are background." if masked else ""
    st.caption(f"The number beside a class says how many of its images are in this split.{shade}")


def _which(dataset: "Dataset", name: str) -> tuple[int, bool]:
    """Ask for other images, and whether to show where the objects are."""
    turn = f"samples_{name}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Other images", icon=":material/shuffle:"):
            st.session_state[turn] = st.session_state.get(turn, 0) + 1
        masked = dataset.train.masks is not None and st.toggle(
            "Show where the shape is", help="Known to the pixel, because these pictures are drawn.", key="masked"
        )
    return st.session_state.get(turn, 0), masked


SECTION = Section("samples", "What is in it", samples)
