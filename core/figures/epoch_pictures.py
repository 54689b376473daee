"""What one epoch of a run confuses, and where it looks: numbers and pictures of one moment of a training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ConvScopeError
from core.evaluation import answers_of, confusion_counts
from core.evaluation.answers import Whole
from core.explain import attribute
from core.explain.attribution import heatmap
from core.figures.film import Tiles
from core.figures.overlays import overlay
from core.inference.network import Network
from core.progress import Progress

MOST_IMAGES = 500  # validation images that the confusion matrix counts
METHOD = "grad_cam"


@dataclass(frozen=True, eq=False)
class EpochPictures:
    """What is shown of one epoch.

    Attributes:
        counts: Validation images of each class (row) taken for each class (column), int64 (K, K).
        tiles: Test images with the heatmap of their true class over each.
    """

    counts: Whole
    tiles: Tiles


def epoch_pictures(network: Network, places: Sequence[int], progress: Progress) -> EpochPictures:
    """Ask a run at an epoch about the first validation images, and explain some test images by Grad-CAM.

    Where it has no convolution, the heatmaps are empty.

    Args:
        network: The run at the epoch.
        places: Which test images to explain.
        progress: Called with the explanations done and those to do; it may raise to cancel.

    Raises:
        ConvScopeError: The weights or the images cannot be used.
    """
    data, model = network.dataset(), network.model
    judged = data.valid.images[:MOST_IMAGES], data.valid.labels[:MOST_IMAGES]
    counts = confusion_counts(answers_of(model, *judged, normalize=network.normalize))
    images, labels = data.test.images[list(places)], data.test.labels[list(places)].tolist()
    drawn = []
    for done, (image, label) in enumerate(zip(images, labels, strict=True)):
        progress(done, len(labels))
        try:
            values = heatmap(attribute(model, network.normalize(image), label, METHOD)).numpy()
        except ConvScopeError:
            values = np.zeros(image.shape[-2:])
        picture = np.broadcast_to(image.numpy().transpose(1, 2, 0), (*values.shape, 3))
        drawn.append(overlay(picture, values, signed=False, zoom=1).pixels)
    return EpochPictures(counts, Tiles(np.stack(drawn), len(drawn)))
