"""How long a training would take, measured in the background so that the page stays usable."""

from core.train.config import AUGMENTATIONS, TrainConfig
from pages.shared.jobs import Lane, Progress, background
from pages.shared.state import Draft

SLOWING = (  # the settings that change how long an epoch takes
    *("batch_size", "train_images", "optimizer", "loss", "clip_norm", "l1", "precision", "device"),
    *AUGMENTATIONS,
)


def epoch_time(draft: Draft, config: TrainConfig) -> float | None:
    """Return how many seconds an epoch of a draft takes on this machine; None while, in small print, it is measured."""
    alike = TrainConfig(**{name: getattr(config, name) for name in SLOWING} | {"epochs": 1})

    def measure(tell: Progress) -> float:
        from core.train.speed import time_epoch_apart

        return time_epoch_apart(draft.spec, draft.dataset, alike)

    return background(
        ("epoch_time", draft.spec.to_json(), draft.dataset, alike.to_json()),
        measure,
        words="Timing a few batches",
        place="timing",
        lane=Lane.MEASUREMENT,
        quiet=True,
    )
