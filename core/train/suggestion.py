"""The network and the settings that a training begins with: for few images what lets a network learn from them."""

from typing import Any

from core.data.dataset_info import DatasetInfo
from core.model.layers import Backbone
from core.model.presets import TRANSFER
from core.model.spec import ModelSpec
from core.train.config import TrainConfig

EPOCHS = 30
FEW_IMAGES = 500  # training images: of fewer, the defaults make less than forty updates
VARIED: dict[str, Any] = {"shift": 0.1, "rotation": 10.0}  # changes that leave nearly every kind of picture what it is


def is_frozen(spec: ModelSpec) -> bool:
    """Return whether a network begins with pretrained layers that no training changes."""
    first = next(iter(spec.layers), None)
    return isinstance(first, Backbone) and first.train_from != 1


def suggested_preset(info: DatasetInfo) -> str:
    """Return the preset to begin with for a data set: of few photographs of one's own, a network learns by transfer."""
    photographs = info.own and info.input_shape[0] == 3
    return TRANSFER if photographs and info.split_sizes[0] < FEW_IMAGES else "tutorial"


def suggested_side(pictures: int) -> int:
    """Return the height and width in pixels for a data set of so many colour photographs of one's own.

    Few of them pass once through pretrained layers, which want to see details; many train all layers of a small
    network, which would take minutes with larger ones.
    """
    return 224 if pictures < FEW_IMAGES else 64


def suggested(images: int, spec: ModelSpec | None = None) -> TrainConfig:
    """Return the settings to begin with for so many training images, and a network.

    With the defaults eight images are one batch, seen five times: five updates, after which nothing is learned. So few
    come in smaller batches, more often, and a little otherwise each time; but not where they pass through frozen
    layers, which are asked once of images that stay the same.
    """
    if images >= FEW_IMAGES:
        return TrainConfig()
    varied = {} if spec is not None and is_frozen(spec) else VARIED
    return TrainConfig(epochs=EPOCHS, batch_size=min(64, max(4, images // 8)), **varied)
