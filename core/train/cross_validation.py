"""Cross-validation: each image is kept back once, and asked of a network that has learned from the others.

With a dozen images of a class no single split says how good a network is: one more mistake among three images that were
kept back is a third. All images together, each kept back once, say it as well as so many can.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.datasets import Dataset, Split
from core.data.splits import stratified_order
from core.errors import TrainingError
from core.model.build import build_model
from core.model.spec import ModelSpec
from core.progress import Progress
from core.train.config import TrainConfig
from core.train.loop import Training

LEAVE_ONE_OUT = 30  # images: of so many at most each is kept back alone
FOLDS = 10  # of more images


@dataclass(frozen=True)
class CrossValidation:
    """How many images a network named rightly that had not learned from them.

    Attributes:
        right: Their number.
        images: Of so many.
        folds: In how many trainings they were kept back.
    """

    right: int
    images: int
    folds: int


def folds_of(labels: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """Return the indices of the images that are kept back together: each once, every class spread over all folds.

    Args:
        labels: (N,) classes.
        seed: What the order is drawn from.
    """
    count = len(labels) if len(labels) <= LEAVE_ONE_OUT else FOLDS
    return np.array_split(stratified_order(labels, seed), count)


def cross_validate(
    spec: ModelSpec, dataset: Dataset, config: TrainConfig, progress: Progress | None = None
) -> CrossValidation:
    """Train a network anew for each fold of all images of a data set, and count how many it names rightly.

    The splits of the data set are put together. Nothing may end a training early by the images that are kept back: the
    settings that would are left out.

    Args:
        spec: The network.
        dataset: Whose train, valid and test images are used.
        config: How to train.
        progress: Called after each epoch with the epochs done and all; what it raises ends it.

    Raises:
        ConfigError, TrainingError: The settings cannot work, or a training came to nothing.
    """
    config = replace(config, patience=0, target_accuracy=0.0, max_seconds=0.0)
    whole = _joined((dataset.train, dataset.valid, dataset.test))
    folds, right = folds_of(whole.labels.numpy(), config.seed), 0
    for number, kept_back in enumerate(folds):
        others = np.setdiff1d(np.arange(len(whole)), kept_back)
        held = _take(whole, kept_back)
        fold = replace(dataset, train=_take(whole, others), valid=held, test=held)
        share = None
        for step in Training(build_model(spec, seed=config.seed), fold, config):
            if step.valid is not None:
                share = step.valid.accuracy
                if progress is not None:
                    progress(number * config.epochs + step.epoch, len(folds) * config.epochs)
        if share is None:
            raise TrainingError("A training with one part of the images came to no end: train it on Train first.")
        right += round(share * len(held))
    return CrossValidation(right, len(whole), len(folds))


def _joined(splits: Sequence[Split]) -> Split:
    return Split(torch.cat([split.images[:] for split in splits]), torch.cat([split.labels for split in splits]))


def _take(split: Split, indices: NDArray[np.int64]) -> Split:
    places = torch.from_numpy(indices)
    return Split(split.images[places], split.labels[places])
