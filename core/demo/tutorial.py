"""The training of the tutorial that ConvScope brings to life, and the accuracies it reached.

The figures are of CIFAR-10 as JPEG pictures, 45,000 to learn from, three seeds each (`benchmarks.tutorial`), of
one training on a processor with bfloat16, which `precision="auto"` takes there, and of the script with all 50,000
original images, validated on the test images as the tutorial does it.
"""

from dataclasses import dataclass

from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.train.config import TrainConfig

DATASET, IMAGES = "cifar10", 60_000
CONFIG = TrainConfig(epochs=10, batch_size=64)
NAME, ORIGIN = "The tutorial's training", "tutorial"


@dataclass(frozen=True)
class Accuracy:
    """What somebody's training reached: who, and the share of the test images that were right, in words."""

    title: str
    words: str


ACCURACIES = (
    Accuracy("ConvScope, three seeds", "72.9 to 74.1%"),
    Accuracy("ConvScope in bfloat16, one seed", "72.5%"),
    Accuracy("Keras, on the same images, three seeds", "67.3 to 69.0%"),
    Accuracy("Keras, the tutorial's script as it stands", "73.7%, best 74.1%"),
)


def dataset_at_hand() -> str:
    """Return the data set that holds CIFAR-10 here: the download, else one's own of as many and the same; else ""."""
    return DATASET if is_stored(DATASET) else next(filter(is_the_tutorials, DATASETS), "")


def is_the_tutorials(name: str) -> bool:
    """Say whether a data set is here and holds CIFAR-10."""
    known, info = DATASETS[DATASET], DATASETS[name]
    if not info.own:
        return name == DATASET and is_stored(name)
    alike = (info.input_shape, info.num_images) == (known.input_shape, IMAGES)
    return alike and sorted(info.class_names) == sorted(known.class_names)


def spec_for(dataset: str) -> ModelSpec:
    """Return the tutorial's network for such a data set."""
    info = DATASETS[dataset]
    return preset("tutorial", info.input_shape, len(info.class_names))
