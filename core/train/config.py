"""The choices of a training; nothing here needs torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.options import check_options, option, options
from core.train.choices import BEGINNINGS, INPUTS, LOSSES, OPTIMIZERS, ORDERS, SCHEDULES, titles

if TYPE_CHECKING:
    from core.data.augment import Augmentation


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained: every field describes itself (see `core.options`), its range included.

    Raises:
        ConfigError: One of these has the wrong type or is out of its range.
    """

    # fmt: off
    epochs: int = option(5, "Epochs", "How often every training image is seen.", min=1, max=1000, group="Basics")
    lr: float = option(
        1e-3, "Learning rate", "Size of each update. Too large jumps about, too small crawls.",
        min=1e-7, max=100.0, group="Basics", live=True)
    batch_size: int = option(
        64, "Batch size", "Images looked at before each update of the weights.", min=1, max=4096, group="Basics")
    optimizer: str = option(
        "adam", "Optimiser", "The rule that turns gradients into updates.", choices=titles(OPTIMIZERS), group="Basics")

    loss: str = option(
        "cross_entropy", "Loss", "What training makes small.", choices=titles(LOSSES), group="Loss and optimiser")
    label_smoothing: float = option(
        0.0, "Label smoothing", "Share of the target that is spread over all classes.",
        min=0.0, max=0.9, group="Loss and optimiser", needs={"loss": ("cross_entropy",)})
    momentum: float = option(
        0.9, "Momentum", "Share of the last update that is kept.",
        min=0.0, max=0.999, group="Loss and optimiser", live=True, needs={"optimizer": ("momentum", "nesterov")})
    clip_norm: float = option(
        0.0, "Gradient clipping", "Longest gradient (L2 norm) that is followed; longer ones are shortened. 0 is off.",
        min=0.0, max=1e6, group="Loss and optimiser")
    weight_decay: float = option(
        0.0, "Weight decay (L2)", "Pulls all weights towards zero; holds overfitting back.",
        min=0.0, max=1.0, group="Loss and optimiser", live=True)
    l1: float = option(
        0.0, "L1", "Adds the sum of all absolute weights, times this, to the loss: many weights become almost zero.",
        min=0.0, max=1.0, group="Loss and optimiser", live=True)

    schedule: str = option(
        "constant", "Schedule", "How the learning rate changes while training goes on.",
        choices=titles(SCHEDULES), group="Schedule")
    warmup_epochs: float = option(
        0.0, "Warm-up epochs", "The learning rate rises from near 0 over this time; fractions count.",
        min=0.0, max=100.0, group="Schedule", needs={"schedule": ("constant", "step", "cosine")})
    step_epochs: int = option(
        5, "Epochs between steps", "After so many epochs the learning rate is multiplied.",
        min=1, max=1000, group="Schedule", needs={"schedule": ("step",)})
    step_factor: float = option(
        0.1, "Factor of a step", "What the learning rate is multiplied by.",
        min=1e-4, max=1.0, group="Schedule", needs={"schedule": ("step",)})

    patience: int = option(
        0, "Early stopping", "Ends after so many epochs without a lower validation loss. 0 is off.",
        min=0, max=1000, group="When to end")
    max_seconds: float = option(
        0.0, "Time budget (seconds)", "Ends after so much training time. 0 is off.",
        min=0.0, max=1e6, group="When to end")
    target_accuracy: float = option(
        0.0, "Target accuracy", "Ends once this share of the validation images (0 to 1) is right. 0 is off.",
        min=0.0, max=1.0, group="When to end")

    train_images: int = option(
        0, "Training images", "How many training images to use; 0 uses all.", min=0, max=10_000_000, group="Images")
    wrong_labels: float = option(
        0.0, "Wrong labels", "Share of the training labels (0 to 1) replaced by another class.",
        min=0.0, max=1.0, step=0.05, group="Images")
    order: str = option("shuffled", "Order", "In which order images come.", choices=titles(ORDERS), group="Images")
    inputs: str = option(
        "standard", "Pixel values", "What the network receives for a pixel.", choices=titles(INPUTS), group="Images")

    flip: float = option(
        0.0, "Flip", "Chance that an image is mirrored left to right.",
        min=0.0, max=1.0, step=0.05, group="Augmentation", live=True)
    shift: float = option(
        0.0, "Shift", "Farthest move, as a share of the side.",
        min=0.0, max=0.5, step=0.05, group="Augmentation", live=True)
    rotation: float = option(
        0.0, "Rotation", "Largest turn to either side, in degrees.",
        min=0.0, max=180.0, step=5.0, group="Augmentation", live=True)
    crop: float = option(
        0.0, "Crop and resize", "Largest share of the area that is cut away before resizing back.",
        min=0.0, max=0.9, step=0.05, group="Augmentation", live=True)
    jitter: float = option(
        0.0, "Colour jitter", "Largest change of brightness, contrast and saturation, as a share.",
        min=0.0, max=1.0, step=0.05, group="Augmentation", live=True)
    cutout: float = option(
        0.0, "Cut-out", "Side of a square that is blanked, as a share of the image's.",
        min=0.0, max=0.75, step=0.05, group="Augmentation", live=True)

    seed: int = option(
        0, "Seed", "Same seed, same curve: it decides first weights, image order, dropout and augmentation.",
        min=0, max=2**31 - 1, group="Beginning")
    first_filters: str = option(
        "random", "First filters", "What the filters of the first convolution are before training changes them.",
        choices=titles(BEGINNINGS), group="Beginning")

    precision: str = option(
        "auto", "Precision", "bfloat16 is faster where the processor has it; auto picks what is faster here.",
        choices=("auto", "bf16", "fp32"), group="Machine")
    device: str = option(
        "auto", "Device", "Where to compute; auto takes a GPU if there is one.",
        choices=("auto", "cpu", "cuda", "mps"), group="Machine")
    # fmt: on

    def __post_init__(self) -> None:
        check_options(self, "Training", ConfigError)

    @property
    def augmentation(self) -> "Augmentation":
        """How the training images are varied."""
        from core.data.augment import Augmentation

        return Augmentation(**{name: getattr(self, name) for name in AUGMENTATIONS})

    def to_json(self) -> str:
        """Return the settings as JSON, to be read back by `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TrainConfig":
        """Read what `to_json` wrote; raises `ConfigError` if it is anything else."""
        try:
            return cls.from_mapping(json.loads(text))
        except (ValueError, RecursionError, TypeError) as error:
            raise ConfigError("The training settings are not valid JSON: set them again.") from error

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Make the settings from named values; those left out take their defaults, unknown names are refused."""
        names = {setting.name for setting in options(cls)}
        if not isinstance(values, Mapping) or set(values) - names:
            unknown = sorted(set(values) - names) if isinstance(values, Mapping) else [values]
            raise ConfigError(
                f"This version knows no training setting {', '.join(map(repr, unknown))[:80]}: remove it, or update."
            )
        return cls(**values)


def check_batch_size(batch_size: int, fewest: int) -> None:
    """Raise `ConfigError` where batches are too small for a network, see `core.model.shapes.fewest_images`."""
    if batch_size < fewest:
        raise ConfigError(
            "The network has a batch normalisation that sees a single number a channel of each image, which has no "
            f"spread: choose a batch size of at least {fewest}, or remove that layer."
        )


AUGMENTATIONS = tuple(setting.name for setting in options(TrainConfig) if setting.group == "Augmentation")
LIVE = tuple(setting.name for setting in options(TrainConfig) if setting.live)
