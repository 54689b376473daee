"""What training images had to do with an answer of a network: asked of its epochs, as it was trained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import RunError
from core.inference.network import Network
from core.progress import Progress
from core.runs.records import Metric

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

CHECKPOINTS = 8  # of all that are kept, spread evenly
Kept = tuple[int, float]  # an epoch, and the learning rate summed over the epochs that it stands for


@dataclass(frozen=True, eq=False)
class Taught:
    """What training images had to do with an answer.

    Attributes:
        epochs: After which epochs the network was asked.
        influence: By TracIn, (N,); None without epochs.
        similarity: Cosine before the last layer, (N,).
        labels: The classes they were learned as, (N,).
    """

    epochs: tuple[int, ...]
    influence: "np.ndarray | None"
    similarity: "np.ndarray"
    labels: "np.ndarray"


def snapshots_of(network: Network, metrics: Iterable[Metric]) -> tuple[Kept, ...]:
    """Return at most `CHECKPOINTS` epochs up to the chosen one, each with the learning rates it stands for.

    Args:
        network: Of a run, at an epoch.
        metrics: Those of its run.

    Raises:
        RunError: No epoch is kept, or the network has not learned from any image yet.
    """
    run = network.require_run()
    if network.epoch == 0:
        raise RunError("The untrained network has learned from no image yet: choose a later epoch.")
    epochs = [epoch for epoch in network.epochs if 0 < epoch <= (network.epoch or epoch)]
    if not epochs:
        raise RunError(
            "This run kept no weights of its epochs, so nothing is known of how it learned: let it train for an epoch."
        )
    places = range(len(epochs)) if len(epochs) <= CHECKPOINTS else _spread(len(epochs))
    rates, last = _rates(metrics), 0
    snapshots = []
    for epoch in (epochs[place] for place in places):
        between = range(last + 1, epoch + 1)
        snapshots.append((epoch, sum(rates.get(each, float(run.config.get("lr", 1e-3))) for each in between)))
        last = epoch
    return tuple(snapshots)


def _spread(count: int) -> list[int]:
    """Return `CHECKPOINTS` places of so many, the last among them."""
    return [round((place + 1) * count / CHECKPOINTS) - 1 for place in range(CHECKPOINTS)]


def _rates(metrics: Iterable[Metric]) -> dict[int, float]:
    """Return the mean learning rate of each epoch."""
    sums: dict[int, tuple[float, int]] = {}
    for metric in metrics:
        total, count = sums.get(metric.epoch, (0.0, 0))
        sums[metric.epoch] = total + metric.lr, count + 1
    return {epoch: total / count for epoch, (total, count) in sums.items()}


def taught_by(
    network: Network,
    model: Any,
    snapshots: Sequence[tuple[Network, float]],
    image: "Tensor",
    target: int,
    count: int,
    progress: Progress,
) -> Taught:
    """Return what the first `count` training images had to do with a class for an image.

    Args:
        network: Whose training images.
        model: Its module: where alike images are looked for.
        snapshots: The network at its epochs, with the learning rates that each stands for; may be none.
        image: Normalised, (C, H, W).
        target: The class.
        count: How many images to look through.
        progress: Called with the images looked at and those to look at.

    Raises:
        ConvScopeError: The images cannot be had, or the network does not end in a dense layer.
    """
    from core.explain.influence import LabeledImages, Snapshot, last_layer, similarity, tracin
    from core.train.config import TrainConfig
    from core.train.feed import training_labels
    from core.train.losses import make_loss

    data, config = network.dataset(), TrainConfig.from_mapping(network.config)
    used = config.train_images or len(data.train)
    labels = training_labels(data.train.labels[:used], data.num_classes, config)[:count]
    images = LabeledImages(data.train.images[:count], labels, data.normalize)
    last_layer(model)  # what is wrong with it is said before anything is looked through
    total = (len(snapshots) + 1) * len(images)
    alike = similarity(model, images, image, progress=lambda done, _: progress(done, total))
    influence = None
    if snapshots:
        influence = tracin(
            [Snapshot(each.own_copy, rate) for each, rate in snapshots],
            images,
            image,
            target,
            make_loss(config),
            progress=lambda done, _: progress(len(images) + done, total),
        ).numpy()
    epochs = tuple(each.epoch for each, _ in snapshots if each.epoch is not None)
    return Taught(epochs, influence, alike.numpy(), labels.numpy())
