"""What one epoch of a run confuses, and where it looks: beside the filters and maps of the same epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.confusions import confusion_chart, confusion_rows, most_mistaken
from core.figures.film import Tiles
from core.figures.grids import sprite
from core.figures.overlays import overlay
from core.inference.network import Network
from core.progress import Progress
from pages.shared.display.vega_charts import chart
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background
from pages.shared.widgets.image_strip import film

if TYPE_CHECKING:
    import numpy as np

MOST_IMAGES = 500  # validation images that the confusion matrix counts
MOST_CLASSES = 12  # with more, those with the most mistakes
METHOD = "grad_cam"
TILE_PX = 84  # screen pixels of a picture
COLUMNS = 16  # of a sheet


@dataclass(frozen=True, eq=False)
class EpochPictures:
    """What is shown of one epoch.

    Attributes:
        counts: Validation images of each class (row) taken for each class (column), int64 (K, K).
        tiles: The pinned images with the heatmap of their true class over each.
    """

    counts: "np.ndarray[Any, Any]"
    tiles: Tiles


def epoch_pictures(network: Network, places: Sequence[int]) -> None:
    """Show the confusion matrix of an epoch, and Grad-CAM for the pinned test images.

    Args:
        network: The run at the epoch.
        places: Which test images are pinned.
    """
    from core.evaluation import busiest

    shown = background(
        ("epoch_pictures", network.mark, tuple(places)),
        partial(_pictures, network, tuple(places)),
        words="What it confuses, and where it looks",
        place="epoch_pictures",
    )
    if shown is None:
        return
    names, counts = network.class_names, shown.counts
    classes = busiest(counts, MOST_CLASSES).tolist()
    confusion, heatmaps = st.columns([2, 3], gap="large")
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


def _pictures(network: Network, places: tuple[int, ...], progress: Progress) -> EpochPictures:
    import numpy as np

    from core.errors import ConvScopeError
    from core.evaluation import answers_of, confusion_counts
    from core.explain import attribute
    from core.explain.attribution import heatmap

    data, model = network.dataset(), network.model
    judged = data.valid.images[:MOST_IMAGES], data.valid.labels[:MOST_IMAGES]
    counts = confusion_counts(answers_of(model, *judged, normalize=network.normalize))
    images, labels = data.test.images[list(places)], data.test.labels[list(places)].tolist()
    drawn = []
    for done, (image, label) in enumerate(zip(images, labels, strict=True)):
        progress(done, len(labels))
        try:
            values = heatmap(attribute(model, network.normalize(image), label, METHOD)).numpy()
        except ConvScopeError:  # without a convolution
            values = np.zeros(image.shape[-2:])
        picture = np.broadcast_to(image.numpy().transpose(1, 2, 0), (*values.shape, 3))
        drawn.append(overlay(picture, values, signed=False, zoom=1).pixels)
    return EpochPictures(counts, Tiles(np.stack(drawn), len(drawn)))
