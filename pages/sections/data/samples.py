"""What is in a data set: its splits, images of each class, how many there are, and what normalising does."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.figures.balance import balance_chart, balance_rows, balance_sentence
from core.formatting import formatted
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.data.datasets import Dataset, Split

SHOWN = 8
SPLITS = {
    "train": ("Train", "The network learns from these."),
    "valid": ("Valid", "For choices, such as when to stop."),
    "test": ("Test", "For the final mark, never for choosing."),
}
CHANNELS = {1: ("Grey",), 3: ("Red", "Green", "Blue")}


@st.cache_data(show_spinner=False, max_entries=256)
def _strip(name: str, split: str, label: int, start: int, masked: bool) -> bytes:
    from core.figures.samples import sample_strip

    part = _split(services.dataset(name), split)
    members = (part.labels == label).nonzero()[:, 0].roll(-start)[:SHOWN]
    masks = part.masks[members].numpy() if masked and part.masks is not None else None
    return sample_strip(part.images[members].numpy(), masks)


@st.cache_data(show_spinner=False, max_entries=16)
def _counts(name: str) -> dict[str, list[int]]:
    """Return how many images each class has, by split."""
    dataset = services.dataset(name)
    return {split: _split(dataset, split).labels.bincount(minlength=dataset.num_classes).tolist() for split in SPLITS}


def _split(dataset: "Dataset", name: str) -> "Split":
    part: Split = getattr(dataset, name)
    return part


@st.fragment
def samples(name: str) -> None:
    """Show some images of each class of a split, one strip for each."""
    dataset, counts = services.dataset(name), _counts(name)
    split = st.radio(
        "Split",
        list(SPLITS),
        format_func=lambda split: SPLITS[split][0],  # a label that changes is a choice that the browser forgets
        captions=[f"{sum(counts[split]):,}. {purpose}" for split, (_, purpose) in SPLITS.items()],
        horizontal=True,
        key="split",
    )
    start, masked = _which(dataset, name)
    with st.grid(2, min_column_width=300, gap=("small", "large"), key="samples"):
        for label, class_name in enumerate(dataset.class_names):
            with st.container(gap="xxsmall"):
                st.markdown(f"**{escape_markdown(class_name)}** :gray[· {counts[split][label]:,}]")
                st.image(
                    _strip(name, split, label, start * SHOWN % max(1, counts[split][label]), masked),
                    width="stretch",
                    alt=f"{SHOWN} images of class {class_name}",
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


def balance(name: str) -> None:
    """Show how many images each class has."""
    counts, class_names = _counts(name), services.dataset(name).class_names
    sentence = balance_sentence(class_names, counts["train"])
    st.vega_lite_chart(
        pd.DataFrame(balance_rows(class_names, counts)),
        balance_chart(theme=session.theme()),
        key="balance",
        alt=f"Images of each class by split. In training: {sentence}",
    )
    st.caption(f"In training: {escape_markdown(sentence)}")


def normalising(name: str) -> None:
    """Show what every image goes through before the network sees it."""
    dataset = services.dataset(name)
    st.markdown(
        "A pixel is 0 to 255. Before the network sees it, it is divided by 255; then the mean of its channel is "
        "subtracted, and the result divided by the spread, so that values lie around 0."
    )
    rows = [
        {
            "Channel": channel,
            "Mean": f"{mean:.4f}",
            "Spread": f"{std:.4f}",
            "Black becomes": formatted(-mean / std, "+.2f"),
            "White becomes": f"{(1 - mean) / std:+.2f}",
        }
        for channel, mean, std in zip(CHANNELS[dataset.input_shape[0]], dataset.mean, dataset.std, strict=True)
    ]
    st.table(pd.DataFrame(rows).set_index("Channel"))
    st.caption("Spread is the standard deviation. Both are measured on the training images only.")
