"""What a run recorded, laid out as arrays for the rules of the diagnosis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from core.runs.overview import MOST, WHOLE
from core.runs.records import DIVERGED, Evidence, Metric, Run, Status
from core.train.config import TrainConfig

ENOUGH = 100  # steps
HUGE = 1e38  # what stands for an imported loss that is no number

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """One quantity over time: `values` after so many `steps`."""

    steps: Numbers
    values: Numbers


@dataclass(frozen=True, eq=False)
class RunArrays:
    """The records of a run as arrays.

    Attributes:
        run: The run.
        num_classes: Number of classes K.
        settings: Those of its training, the newest values.
        steps, loss, accuracy, lr: Of its batches; of a long training not all of them.
        epochs: Number of each full epoch, from 1.
        valid_loss, valid_accuracy: After each of these epochs.
        train_loss, train_accuracy: Means over the batches of each of these epochs.
        gradients: Norm of the gradient by layer ("all": of the whole network).
        dead: Share of dead units by layer.
    """

    run: Run
    num_classes: int
    settings: TrainConfig
    steps: Numbers
    loss: Numbers
    accuracy: Numbers
    lr: Numbers
    epochs: Numbers
    valid_loss: Numbers
    valid_accuracy: Numbers
    train_loss: Numbers
    train_accuracy: Numbers
    gradients: Mapping[str, TimeSeries]
    dead: Mapping[str, TimeSeries]

    @property
    def guess(self) -> float:
        """Loss of a network that gives each class the same probability."""
        classes = self.num_classes
        return (classes - 1) / classes**2 if self.settings.loss == "mse" else math.log(classes)

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return 1 / self.num_classes

    @property
    def lucky(self) -> float:
        """An accuracy that hardly differs from guessing: a tenth of the way from there to 1."""
        return self.chance + (1 - self.chance) / 10

    @property
    def images(self) -> int:
        """Number of training images."""
        info = self.run.dataset_info
        whole = info.split_sizes[0] if info else round(self.steps_per_epoch) * self.settings.batch_size
        return min(self.settings.train_images or whole, whole)

    @property
    def batch(self) -> int:
        """Images of one step."""
        return self.images if self.settings.optimizer == "gd" else min(self.settings.batch_size, self.images)

    @property
    def steps_per_epoch(self) -> float:
        """Steps of one epoch."""
        return float(max(1, self.run.steps_per_epoch))

    @property
    def exploded(self) -> bool:
        """Whether the run ended because its loss was no longer a number."""
        return self.run.status is Status.FAILED and self.run.failure == DIVERGED

    @property
    def conclusive(self) -> bool:
        """Whether the training is over or so long already that slow progress means something."""
        return not self.run.status.active or self.steps[-1] >= ENOUGH

    @cached_property
    def smooth(self) -> Numbers:
        """The loss of the batches, as means over at least 64 images up to each step (at the start: of the first 64)."""
        width = min(-(-64 // self.batch), len(self.loss))
        sums = np.cumsum(np.insert(self.loss, 0, 0.0))
        means: Numbers = (sums[width:] - sums[:-width]) / width
        return np.concatenate([np.full(width - 1, means[0]), means])

    @cached_property
    def level(self) -> float:
        """The loss now: the median of the last tenth of the batches, at least five."""
        return float(np.median(self.loss[-max(5, len(self.loss) // 10) :]))

    def at(self, step: float) -> float:
        """Return where a step lies, in epochs."""
        return float(step / self.steps_per_epoch)

    @property
    def now(self) -> float:
        """How far the training is, in epochs."""
        return self.at(self.steps[-1])


def examine(run: Run, metrics: Sequence[Metric], evidence: Sequence[Evidence], num_classes: int) -> RunArrays:
    """Return the records of a run, of at least one step, as arrays."""
    full = [metric for metric in metrics if metric.valid_loss is not None]
    if len(metrics) > MOST:
        metrics = [*metrics[:WHOLE], *metrics[WHOLE :: -(-(len(metrics) - WHOLE) // (MOST - WHOLE))]]
    steps, loss, accuracy = (_column(metrics, name) for name in ("step", "train_loss", "train_accuracy"))
    epochs = _column(full, "epoch")
    # A step that stands for others which were left out counts as many times.
    weights, of = np.diff(steps, prepend=0.0), _column(metrics, "epoch").astype(int)
    size = int(max(of.max(), epochs.max(initial=0))) + 1
    total = np.maximum(np.bincount(of, weights, size), 1e-9)
    means = [np.bincount(of, weights * values, size) / total for values in (loss, accuracy)]
    return RunArrays(
        run=run,
        num_classes=num_classes,
        settings=TrainConfig.from_mapping(run.settings),
        steps=steps,
        loss=loss,
        accuracy=accuracy,
        lr=_column(metrics, "lr"),
        epochs=epochs,
        valid_loss=_column(full, "valid_loss"),
        valid_accuracy=_column(full, "valid_accuracy"),
        train_loss=means[0][epochs.astype(int)],
        train_accuracy=means[1][epochs.astype(int)],
        gradients=_courses(evidence, "gradient"),
        dead=_courses(evidence, "dead"),
    )


def _column(metrics: Sequence[Metric], name: str) -> Numbers:
    values = np.fromiter(map(attrgetter(name), metrics), np.float64, len(metrics))
    return np.nan_to_num(values, copy=False, nan=HUGE, posinf=HUGE, neginf=-HUGE)


def _courses(evidence: Sequence[Evidence], kind: str) -> dict[str, TimeSeries]:
    by_layer: dict[str, tuple[list[float], list[float]]] = {}
    for item in evidence:
        if item.kind == kind and math.isfinite(item.value):
            steps, values = by_layer.setdefault(item.layer, ([], []))
            steps.append(item.step)
            values.append(item.value)
    return {
        layer: TimeSeries(np.array(steps, float), np.array(values, float))
        for layer, (steps, values) in by_layer.items()
    }
