"""The images whose answer a smaller network changed; a click on one asks the original why."""

import streamlit as st

from pages.shared.compress_controls import Asked
from pages.shared.compress_results import Measured, split_of
from pages.shared.evaluation_images import follow_image, leave_for
from pages.shared.layout import plain
from pages.shared.split_images import png
from pages.shared.thumbnails import Thumbnail, thumbnails

FLIPS = 18
SIDE = 96  # screen pixels


def flips(asked: Asked, found: Measured) -> None:
    """Show the images whose answer flipped, those first of which the original was surest."""
    change = found.change
    if not len(change.flipped):
        st.caption("No answer changed.")
        return
    st.markdown("**Images whose answer flipped**")
    items = {str(index): _item(asked, found, index) for index in change.flipped[:FLIPS].tolist()}

    def leave(name: str) -> None:
        leave_for(asked.split, int(name))

    thumbnails(items, key="flips", on_click=leave, side=SIDE, pixelated=True)
    more = len(change.flipped) - len(items)
    st.caption(
        plain(
            "✗: it was right before. ✓: it is right only now. ✗✗: wrong before and after. Below each, how "
            "sure either network is of its own answer. Click an image to see why the original answers as it does."
            + (f" {more} more are not shown." if more else "")
        )
    )
    follow_image((asked.weights,))


def _item(asked: Asked, found: Measured, index: int) -> Thumbnail:
    change, names = found.change, asked.weights.class_names
    before, after, true = (plain(names[int(part[index])]) for part in (change.before, change.after, change.labels))
    sign = "✓" if after == true else "✗" if before == true else "✗✗"
    return Thumbnail(
        f"{before} → {after}  \n:small[{sign} {change.sure_before[index]:.0%} → {change.sure_after[index]:.0%}]",
        png(split_of(asked)[1].images[index].numpy()),
        f"Image {index}, really {true}: the original says {before}, the smaller network {after}. Click to see why.",
    )
