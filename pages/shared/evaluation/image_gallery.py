"""Images of a split as small pictures with what the network says; a click explains one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.formatting import confidence
from core.inference.network import Network
from pages.shared.display.thumbnails import Thumbnail, thumbnails
from pages.shared.evaluation.evaluate_split import EvaluatedSplit
from pages.shared.picture.split_images import ONE, png
from pages.shared.shell import navigation, session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    import numpy as np

NUM_FIRST_IMAGES, MAX_IMAGES = 24, 96  # pictures at first, and when more are asked for
THUMBNAIL_PX = 74  # screen pixels: four beside each other next to the matrix
_LEAVING = "evaluation_leaves"


def image_row(
    evaluated: EvaluatedSplit,
    chosen: "Sequence[int] | np.ndarray",
    key: str,
    side: int,
    *,
    other: EvaluatedSplit | None = None,
    at_once: int = NUM_FIRST_IMAGES,
) -> None:
    """Show images of a split, each with what the network says and what it is; a click on one explains it.

    Args:
        evaluated: Who was asked about them.
        chosen: Their numbers in the split, in order; many are shown in parts.
        key: Streamlit's key; one for each row on the page.
        side: Which of the networks, 0 or 1, is to be asked why.
        other: A second network, whose answers stand below those of the first.
        at_once: How many are shown until more are asked for.
    """
    more = f"{key}_more"
    count = MAX_IMAGES if st.session_state.get(more) == len(chosen) else at_once
    shown = [int(index) for index in chosen[:count]]

    def leave(name: str) -> None:
        leave_for(evaluated.split, int(name), side)

    items = {
        str(index): Thumbnail(
            _label(evaluated, index, other),
            png(evaluated.images.images[index].numpy()),
            _words(evaluated, index, other),
        )
        for index in shown
    }
    thumbnails(items, key=key, on_click=leave, side=THUMBNAIL_PX, pixelated=True)
    if len(shown) < min(len(chosen), MAX_IMAGES):

        def show_more() -> None:
            st.session_state[more] = len(chosen)

        st.button(
            f"Show {min(len(chosen), MAX_IMAGES)}",
            icon=":material/expand_more:",
            key=f"{key}_button",
            on_click=show_more,
        )
    elif len(chosen) > MAX_IMAGES:
        st.caption(f"The first {MAX_IMAGES} of {len(chosen):,}.")


def leave_for(split: str, index: int, side: int = 0) -> None:
    """Note that an image of a split was clicked, and which of two networks is to be asked why; see `follow_image`."""
    st.session_state[_LEAVING] = (side, split, index)


def follow_image(networks: Sequence[Network]) -> None:
    """Leave for Explain if an image was clicked, with the network that was asked and that image chosen."""
    left = st.session_state.pop(_LEAVING, None)
    if left is None:
        return
    side, split, index = left
    network = networks[min(side, len(networks) - 1)]
    session.choose(session.PictureSelection("test", network.dataset_name, index=index, split=split))
    if side:
        epoch = None if network.epoch is None else str(network.epoch)
        navigation.go("explain", run=network.id, epoch=epoch, other=None, other_epoch=None, target=None)
    navigation.go("explain", target=None)


def _label(evaluated: EvaluatedSplit, index: int, other: EvaluatedSplit | None) -> str:
    if other is None:
        return f"{_says(evaluated, index)}  \nis {_name(evaluated, evaluated.report.answers.labels[index])}"
    return f"A: {_says(evaluated, index)}  \nB: {_says(other, index)}"


def _says(evaluated: EvaluatedSplit, index: int) -> str:
    answers = evaluated.report.answers
    return f"{confidence(float(answers.confidence[index]))} · {_name(evaluated, answers.predicted[index])}"


def _words(evaluated: EvaluatedSplit, index: int, other: EvaluatedSplit | None) -> str:
    true = _name(evaluated, evaluated.report.answers.labels[index])
    says = (
        f"says {_says(evaluated, index)}"
        if other is None
        else f"A says {_says(evaluated, index)}, B {_says(other, index)}"
    )
    return f"{ONE[evaluated.split]} {index}: {says}; it is {true}. Click to see why."


def _name(evaluated: EvaluatedSplit, index: Any) -> str:
    return escape_markdown(evaluated.names[int(index)])
