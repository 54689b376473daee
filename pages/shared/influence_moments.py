"""What a run keeps of how it learned, and what its training images had to do with an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import RunError
from core.inference.network import Network
from core.runs.records import Run
from pages.shared import subjects
from pages.shared.jobs import Progress, background
from pages.shared.state import store

if TYPE_CHECKING:
    import numpy as np

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


def moments_of(weights: Network) -> tuple[Kept, ...]:
    """Return at most `CHECKPOINTS` epochs up to the chosen one, each with the learning rates it stands for.

    Raises:
        RunError: No epoch is kept, or the network has not learned from any image yet.
    """
    run = weights.require_run()
    if weights.epoch == 0:
        raise RunError("The untrained network has learned from no image yet: choose a later epoch.")
    kept = [epoch for epoch in weights.epochs if 0 < epoch <= (weights.epoch or epoch)]
    if not kept:
        raise RunError(
            "This run kept no weights of its epochs, so nothing is known of how it learned: let it train for an epoch."
        )
    places = range(len(kept)) if len(kept) <= CHECKPOINTS else _spread(len(kept))
    rates, last = _rates(run), 0
    found = []
    for epoch in (kept[place] for place in places):
        between = range(last + 1, epoch + 1)
        found.append((epoch, sum(rates.get(each, float(run.config.get("lr", 1e-3))) for each in between)))
        last = epoch
    return tuple(found)


def _spread(count: int) -> list[int]:
    """Return `CHECKPOINTS` places of so many, the last among them."""
    return [round((place + 1) * count / CHECKPOINTS) - 1 for place in range(CHECKPOINTS)]


def _rates(run: Run) -> dict[int, float]:
    """Return the mean learning rate of each epoch."""
    sums: dict[int, tuple[float, int]] = {}
    for metric in store().metrics(run.id):
        total, count = sums.get(metric.epoch, (0.0, 0))
        sums[metric.epoch] = total + metric.lr, count + 1
    return {epoch: total / count for epoch, (total, count) in sums.items()}


def taught(
    weights: Network, picture: subjects.Picture, target: int, moments: Sequence[Kept], count: int
) -> Taught | None:
    """Return what the first `count` training images had to do with an answer; None while that is found out.

    Raises:
        ConvScopeError: The network or its images cannot be had, or it does not end in a dense layer.
    """
    model, image, data = weights.model, weights.normalize(picture.tensor()), weights.dataset()
    asked = [(weights.at(epoch).pinned(), rate) for epoch, rate in moments]

    def work(tell: Progress) -> Taught:
        from core.explain.influence import Images, Snapshot, last_layer, similarity, tracin
        from core.train.config import TrainConfig
        from core.train.feed import training_labels
        from core.train.losses import make_loss

        config = TrainConfig.from_mapping(weights.config)
        used = config.train_images or len(data.train)
        labels = training_labels(data.train.labels[:used], data.num_classes, config)[:count]
        images = Images(data.train.images[:count], labels, data.normalize)
        last_layer(model)  # what is wrong with it is said before anything is looked through
        total = (len(moments) + 1) * len(images)
        alike = similarity(model, images, image, progress=lambda done, _: tell(done, total))
        influence = None
        if moments:
            influence = tracin(
                [Snapshot(each.own_copy, rate) for each, rate in asked],
                images,
                image,
                target,
                make_loss(config),
                progress=lambda done, _: tell(len(images) + done, total),
            ).numpy()
        return Taught(tuple(epoch for epoch, _ in moments), influence, alike.numpy(), labels.numpy())

    return background(
        ("influence", weights.mark, picture.digest, target, *((each.mark, rate) for each, rate in asked), count),
        work,
        words="Looking through the training images",
        place="influence",
    )
