"""The training loop: a generator that yields what every step measured and knows nothing of screens."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.data.datasets import Dataset
from core.errors import TrainingError
from core.runs.checkpoint import Checkpoint
from core.train.config import TrainConfig
from core.train.hardware import pick_device, pick_precision
from core.train.metrics import Score, evaluate
from core.train.optimizers import load_optimizer_state, make_optimizer, optimizer_state


@dataclass(frozen=True)
class Step:
    """One optimiser update.

    Attributes:
        step: How many updates there have been, from 1.
        epoch: The epoch it belongs to, from 1.
        lr: Learning rate used.
        train_loss: Mean cross-entropy of its batch, before the update.
        train_accuracy: Share of its batch that was classified rightly, before the update.
        seconds: Time since the training began, validation included and pauses left out.
        valid: Score on the whole validation split, on the last step of an epoch only.
    """

    step: int
    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    seconds: float
    valid: Score | None = None


class Training:
    """A training that can be taken up again exactly where it was.

    Iterating yields one `Step` after each update. The order of the images depends on the seed and the epoch alone,
    and `checkpoint` keeps the random state, so that an interrupted training ends in the same weights as one
    that ran through.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits; trained in place, moved to the device.
        dataset: Where images come from.
        config: How to train.

    Raises:
        ConfigError: The device is not there.
    """

    def __init__(self, model: nn.Module, dataset: Dataset, config: TrainConfig) -> None:
        self.dataset, self.config = dataset, config
        self.device = pick_device(config.device)
        self.precision = pick_precision(config.precision, self.device)
        self.model = model.to(self.device)
        if self.device.type != "mps":
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(self.model, config)
        self.images = dataset.train.images.to(self.device)
        self.labels = dataset.train.labels.to(self.device)
        self.step, self.seconds = 0, 0.0
        torch.manual_seed(config.seed)  # dropout follows from it

    @property
    def steps_per_epoch(self) -> int:
        """Updates of one epoch; the last batch may be smaller than the others."""
        return math.ceil(len(self.labels) / self.config.batch_size)

    @property
    def total_steps(self) -> int:
        """Updates of the whole training."""
        return self.steps_per_epoch * self.config.epochs

    def __iter__(self) -> Iterator[Step]:
        while self.step < self.total_steps:
            epoch, first = divmod(self.step, self.steps_per_epoch)
            order = self._order(epoch)
            for batch in order.split(self.config.batch_size)[first:]:
                yield self._update(batch, epoch + 1)

    def _order(self, epoch: int) -> Tensor:
        shuffle = torch.Generator().manual_seed(self.config.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.labels), generator=shuffle).to(self.device)

    def _update(self, batch: Tensor, epoch: int) -> Step:
        began = time.perf_counter()
        images = self.dataset.normalize(self.images[batch])
        labels = self.labels[batch]
        if self.device.type != "mps":
            images = images.contiguous(memory_format=torch.channels_last)
        self.model.train()
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = self.model(images)
            loss = functional.cross_entropy(logits.float(), labels)
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"The loss was no longer a number in step {self.step + 1}: the weights grew without bound. "
                f"Train again with a smaller learning rate than {self.config.lr:g}."
            )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        accuracy = (logits.argmax(1) == labels).float().mean().item()
        valid = self._validate() if self.step % self.steps_per_epoch == 0 else None
        self.seconds += time.perf_counter() - began
        lr = self.optimizer.param_groups[0]["lr"]
        return Step(self.step, epoch, lr, value, accuracy, self.seconds, valid)

    def _validate(self) -> Score:
        score = evaluate(self.model, self.dataset, self.dataset.valid, device=self.device, precision=self.precision)
        if not math.isfinite(score.loss):
            raise TrainingError(
                "The validation loss is no longer a number: the weights grew without bound. "
                f"Train again with a smaller learning rate than {self.config.lr:g}."
            )
        return score

    def checkpoint(self) -> Checkpoint:
        """Return weights, optimiser and random state as they are now (no copies: save before going on)."""
        training = optimizer_state(self.optimizer) | {"random": torch.get_rng_state()}
        if self.device.type == "cuda":
            training["random_cuda"] = torch.cuda.get_rng_state(self.device)
        meta = {"step": str(self.step), "seconds": repr(self.seconds)}
        return Checkpoint(self.model.state_dict(), training, meta)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; raises `StorageError` if it is another network's or damaged."""
        checkpoint.apply(self.model)
        load_optimizer_state(self.optimizer, checkpoint.training)
        torch.set_rng_state(checkpoint.training["random"])
        if self.device.type == "cuda" and "random_cuda" in checkpoint.training:
            torch.cuda.set_rng_state(checkpoint.training["random_cuda"], self.device)
        self.step, self.seconds = int(checkpoint.meta["step"]), float(checkpoint.meta["seconds"])


def train(model: nn.Module, dataset: Dataset, config: TrainConfig) -> Iterator[Step]:
    """Train `model` in place and yield a `Step` after every update.

    Raises:
        ConfigError: The device is not there.
        TrainingError: The loss is no longer a number.
    """
    yield from Training(model, dataset, config)
