"""The choices of a training; nothing here needs torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import ConfigError
from core.options import check_options, option, options


@dataclass(frozen=True)
class OptimizerInfo:
    """One way to turn gradients into new weights: its title, and what it does in one sentence."""

    title: str
    summary: str


OPTIMIZERS = {
    "adam": OptimizerInfo("Adam", "Gives every weight its own step size from the mean and spread of its gradients."),
    "adamw": OptimizerInfo("AdamW", "Adam, with weight decay kept apart from the gradient."),
    "momentum": OptimizerInfo("Momentum", "Mini-batch descent that keeps rolling in the direction of past gradients."),
    "sgd": OptimizerInfo("SGD", "Plain mini-batch gradient descent: one step against the gradient."),
}


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images of one optimiser update.
        lr: Learning rate.
        optimizer: Key of `OPTIMIZERS`.
        momentum: Share of the last update that is kept; only "momentum" uses it.
        weight_decay: Strength of the pull of all weights towards zero (L2).
        train_images: How many training images are used; 0 means all of them.
        seed: Decides initial weights, order of the images and dropout.
        precision: "bf16" computes in bfloat16 where that is safe, "fp32" never, "auto" does what is faster here.
        device: "cpu", "cuda", "mps", or "auto" for the fastest one present.

    Raises:
        ConfigError: One of these has the wrong type or is out of its range.
    """

    epochs: int = option(5, "Epochs", "How often every training image is seen.", min=1, max=1000)
    batch_size: int = option(64, "Batch size", "Images looked at before each update of the weights.", min=1, max=4096)
    lr: float = option(
        1e-3,
        "Learning rate",
        "Size of each update. Too large jumps about, too small crawls.",
        min=1e-7,
        max=10.0,
    )
    optimizer: str = option(
        "adam", "Optimiser", "The rule that turns gradients into updates.", choices=tuple(OPTIMIZERS)
    )
    momentum: float = option(
        0.9,
        "Momentum",
        "Share of the last update that is kept (optimiser momentum only).",
        min=0.0,
        max=0.999,
    )
    weight_decay: float = option(
        0.0, "Weight decay", "Pulls all weights towards zero (L2); holds overfitting back.", min=0.0, max=1.0
    )
    train_images: int = option(
        0, "Training images", "How many training images to use; 0 uses all.", min=0, max=10_000_000
    )
    seed: int = option(
        0,
        "Seed",
        "Same seed, same curve: it decides first weights, image order and dropout.",
        min=0,
        max=2**31 - 1,
    )
    precision: str = option(
        "auto",
        "Precision",
        "bfloat16 is faster where the processor has it; auto picks what is faster here.",
        choices=("auto", "bf16", "fp32"),
    )
    device: str = option(
        "auto",
        "Device",
        "Where to compute; auto takes a GPU if there is one.",
        choices=("auto", "cpu", "cuda", "mps"),
    )

    def __post_init__(self) -> None:
        check_options(self, "Training", ConfigError)

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
            raise ConfigError(f"Training settings are named {', '.join(sorted(names))}, and nothing else.")
        return cls(**values)
