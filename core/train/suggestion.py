"""The settings that a training begins with: the defaults, or for few images what lets a network learn from them."""

from typing import Any

from core.train.config import TrainConfig

EPOCHS = 30
FEW_IMAGES = 500  # training images: of fewer, the defaults make less than forty updates
VARIED: dict[str, Any] = {"shift": 0.1, "rotation": 10.0}  # changes that leave nearly every kind of picture what it is


def suggested(images: int) -> TrainConfig:
    """Return the settings to begin with for so many training images.

    With the defaults eight images are one batch, seen five times: five updates, after which nothing is learned. So few
    come in smaller batches, more often, and a little otherwise each time.
    """
    if images >= FEW_IMAGES:
        return TrainConfig()
    return TrainConfig(epochs=EPOCHS, batch_size=min(64, max(4, images // 8)), **VARIED)
