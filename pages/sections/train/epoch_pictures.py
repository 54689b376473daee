"""What one epoch of a run confuses, and where it looks: beside the filters and maps of the same epoch."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.figures.grids import sprite
from core.inference.network import Network
from pages.shared.display.vega_charts import chart
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background
from pages.shared.widgets.image_strip import film

MOST_CLASSES = 12  # with more, those with the most mistakes
TILE_PX = 84  # screen pixels of a picture
COLUMNS = 16  # of a sheet


def show_epoch_pictures(network: Network, places: Sequence[int]) -> None:
    """Show the confusion matrix of an epoch, and Grad-CAM for the pinned test images.

    Args:
        network: The run at the epoch.
        places: Which test images are pinned.
    """
    from core.evaluation import busiest
    from core.figures.confusions import confusion_chart, confusion_rows, most_mistaken
    from core.figures.epoch_pictures import epoch_pictures

    shown = background(
        ("epoch_pictures", network.cache_key, tuple(places)),
        partial(epoch_pictures, network, tuple(places)),
        words="What it confuses, and where it looks",
        place="epoch_pictures",
    )
    if shown is None:
        return
    names, counts = network.class_names, shown.counts
    classes = busiest(counts, MOST_CLASSES).tolist()
    confusion, heatmaps = st.columns([2, 3], gap="medium")
    with confusion:
        st.markdown(f"**What it confuses**: {int(counts.trace()):,} of {int(counts.sum()):,} validation images right")
        matrix = confusion_chart([names[index] for index in classes], theme=session.theme())
        for layer in matrix["layer"]:
            layer.pop("params", None)  # here a cell leads nowhere
            layer["mark"].pop("cursor", None)
        chart(
            matrix,
            confusion_rows(counts, names, "counts", None, classes, most_mistaken(counts, "counts")),
            key=f"epoch_confusion_{network.id}",
            alt="Confusion matrix of this epoch: true classes down, predicted ones across",
        )
    with heatmaps:
        st.markdown("**Where it looks** for the true class of each picture (Grad-CAM)")
        count, height, width, _ = shown.tiles.pixels.shape
        film(
            sprite(shown.tiles.pixels, COLUMNS),
            count=count,
            width=width,
            height=height,
            columns=min(COLUMNS, count),
            key=f"epoch_heatmaps_{network.id}",
            label="The pinned test images with the heatmap of their true class",
            side=TILE_PX,
        )
