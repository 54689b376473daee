"""The training loop: a generator of one `Step` per update, without input or output of its own."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.data.augment import augment
from core.data.datasets import Dataset
from core.errors import DivergedError
from core.inference.random_state import SeededGlobalState
from core.model.pretrained_backbone import frozen_front, source_of, unchanged_names
from core.runs.checkpoint import BACKBONE, Checkpoint
from core.runs.records import Evidence
from core.train.config import TrainConfig, check_batch_size
from core.train.early_stopping import Budgets
from core.train.features import FrozenFeatures
from core.train.feed import (
    augmentation_draw,
    batches,
    fewest_images,
    image_order,
    training_labels,
)
from core.train.hardware import pick_device, pick_layout, pick_precision
from core.train.initialization import InitialWeights, begin
from core.train.internals import epoch_due, gauge_gradients, gauge_network, gradient_due
from core.train.losses import make_loss, make_measure
from core.train.metrics import Score, Step, evaluate_in_parts
from core.train.optimizers import (
    adjust_optimizer,
    load_optimizer_state,
    make_optimizer,
    optimizer_state,
    trained_parameters,
)
from core.train.pixel_values import check_pixel_values
from core.train.rewriting import pool_first
from core.train.schedules import learning_rate

GAUGE_IMAGES = 64
Part = TypeVar("Part")


class Training:
    """A training that can be resumed exactly from its checkpoint.

    Iterating yields one `Step` after each update. The order of the images depends on the seed and the epoch alone,
    and `checkpoint` keeps the random state, so that an interrupted training ends in the same weights as one
    that ran through.

    What the frozen blocks of a backbone make of the images is computed once, before the first step, see `precompute`.
    With augmentation, which changes the training images every time, these pass through the backbone in every step.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits; trained in place, moved to the device.
        dataset: Where images come from.
        config: How to train.

    Raises:
        ConfigError: The device is not there, no hand-made kernel fits the first convolution, the batches are too
            small for the network's batch normalisation, nothing in it trains, or its backbone takes other pixel values.
    """

    def __init__(self, model: nn.Module, dataset: Dataset, config: TrainConfig) -> None:
        check_pixel_values(model, config)
        self.dataset, self.config = dataset.scaled(config.inputs), config
        self.device = pick_device(config.device)
        self.precision = pick_precision(config.precision, self.device)
        begin(model, config)
        self.model = model.to(self.device)
        self.layout = pick_layout(self.model, self.device)
        self.model.to(memory_format=self.layout)  # type: ignore[call-overload]
        split = frozen_front(self.model)
        self.frozen = FrozenFeatures(split[0], self._prepare, self.device, self.precision) if split else None
        self._network = pool_first(split[1] if split else self.model)
        self._features: dict[str, Tensor] = {}  # of the frozen front, by split
        self._computed = self.frozen is None
        self._unchanged = unchanged_names(self.model)
        self.optimizer = make_optimizer(self.model, config)
        self.loss, self.measure = make_loss(config), make_measure(config)
        self.images = dataset.train.images.to(self.device)
        self.labels = training_labels(dataset.train.labels, dataset.num_classes, config).to(self.device)
        self.step, self.seconds = 0, 0.0
        self.budgets, self.ended, self.initial = Budgets(), "", InitialWeights()
        self._unscored: Step | None = None  # the last step of an epoch whose validation is not over
        self.fewest = fewest_images(self.model, self._prepare(self.images[:1]))
        check_batch_size(config.batch_size, self.fewest)
        self.random = SeededGlobalState(config.seed, self.device, numpy=False)  # dropout draws from it

    @property
    def steps_per_epoch(self) -> int:
        """Updates of one epoch; the last batch may be smaller than the others, see `core.train.feed.batches`."""
        if self.config.optimizer == "gd":
            return 1
        whole, rest = divmod(len(self.labels), self.config.batch_size)
        return max(1, whole + (rest >= self.fewest))

    @property
    def total_steps(self) -> int:
        """Updates of the whole training, if nothing ends it early."""
        return self.steps_per_epoch * self.config.epochs

    @property
    def reported(self) -> int:
        """The last step that was yielded: one less than `step` while the validation after that is not over."""
        return self.step - (self._unscored is not None)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.ended) or self.reported >= self.total_steps

    def __iter__(self) -> Iterator[Step]:
        return (step for step in self.parts() if step is not None)

    def parts(self) -> Iterator[Step | None]:
        """Yield what iterating does, and None within a validation and what is measured around it: others may go on.

        There, too, a checkpoint holds all that was done: who goes on from it begins with that validation.
        """
        for _ in self.precompute():
            yield None
        if self._unscored is not None:
            yield from self._seeded(self._complete(self._unscored))
        while not self.over:
            for _ in self.precompute():  # augmentation may have been switched off meanwhile
                yield None
            epoch, first = divmod(self.step, self.steps_per_epoch)
            order = image_order(self.labels, epoch, self.config).to(self.device)
            parts = batches(order, self.config.batch_size, self.fewest)
            for update in [parts] if self.config.optimizer == "gd" else [(part,) for part in parts[first:]]:
                yield from self._seeded(self._update(update, epoch + 1))
                if self.ended:
                    return

    def precompute(self) -> Iterator[tuple[int, int]]:
        """Compute the features of the images, where layers in front are frozen: yield how many are done of how many.

        It is done once; whoever iterates need not call it. Features that would take too much memory are left to the
        steps.
        """
        if self._computed or self.frozen is None:
            return
        splits = {name: images for name, images in self.same_images().items() if name not in self._features}
        before, total = 0, sum(len(images) for images in splits.values())
        for name, images in splits.items():
            for done in self._timed(self._collected(name, images)):
                yield before + done, total
            before += len(images)
        self._computed = True

    def same_images(self) -> dict[str, Tensor]:
        """Return the images whose features are computed once, by split: those that never change, as memory allows."""
        images = {} if self.config.augmentation.active else {"train": self.images}
        images["valid"] = self.dataset.valid.images
        return {name: split for name, split in images.items() if self.frozen is not None and self.frozen.fit(split)}

    def _collected(self, name: str, images: Tensor) -> Iterator[int]:
        assert self.frozen is not None
        self._features[name] = yield from self.frozen.compute(images)

    def _seeded(self, parts: Iterator[Step | None]) -> Iterator[Step | None]:
        """Work each part with the random numbers of this training, and leave those of others in between."""
        while True:
            with self.random:
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part

    def adjust(self, config: TrainConfig) -> None:
        """Change settings for the next updates; only those of `core.train.LIVE` may differ."""
        if not config.augmentation.active and "train" not in self._features:
            self._computed = self.frozen is None
        self.config = config
        adjust_optimizer(self.optimizer, config)

    def gauge(self) -> Iterator[tuple[Evidence, ...] | None]:
        """Measure weights, activations and dead units as they are now; yield None after each layer, then all of it."""
        if "valid" in self._features:  # what is frozen stays as it is
            network, images = self._network, self._features["valid"][:GAUGE_IMAGES].float()
        else:
            network, images = self.model, self._prepare(self.dataset.valid.images[:GAUGE_IMAGES].to(self.device))
        found: tuple[Evidence, ...] = ()
        for measured in gauge_network(network, images, self.step):
            found += measured
            yield None
        yield found

    def _prepare(self, images: Tensor) -> Tensor:
        return self.dataset.normalize(images).contiguous(memory_format=self.layout)

    def _varied(self, batch: Tensor) -> Tensor:
        """Return what the layers that train receive for a batch."""
        augmentation = self.config.augmentation
        if "train" in self._features and not augmentation.active:
            return self._features["train"][batch]
        images = self.images[batch]
        if augmentation.active:
            images = augment(images.float().div_(255), augmentation, augmentation_draw(self.step, self.config))
        return self._prepare(images) if self.frozen is None else self.frozen.of(images)

    def _update(self, batches: Sequence[Tensor], epoch: int) -> Iterator[Step | None]:
        """Make one update from the gradient of all `batches` together, and yield it, as `parts` does."""
        began = time.perf_counter()
        lr = learning_rate(self.config, self.step, self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        (self.model if self.frozen is None else self._network).train()
        self.optimizer.zero_grad()
        count = sum(len(batch) for batch in batches)
        loss, right = 0.0, 0.0
        for batch in batches:
            share = len(batch) / count
            value, hits = self._descend(batch, share)
            loss, right = loss + value * share, right + hits  # in the order of the script of a run, to the last bit
        self.initial.hold(self.model)
        evidence = gauge_gradients(self.model, self.step + 1) if self._gradient_due() else ()
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        self.seconds += time.perf_counter() - began
        step = Step(self.step, epoch, lr, loss, right / count, self.seconds, None, evidence)
        if self.step % self.steps_per_epoch == 0:
            yield from self._complete(step)
        else:
            self.ended = self.budgets.verdict(self.config, epoch, self.seconds, None)
            yield step

    def _complete(self, step: Step) -> Iterator[Step | None]:
        """Validate and measure after the last step of an epoch, and yield it with the score; None in between."""
        self._unscored, valid, evidence = step, None, step.evidence
        for score in self._timed(self._validate()):
            if score is None:
                yield None
            valid = score
        if epoch_due(step.epoch, self.config.epochs):
            for found in self._timed(self.gauge()):
                if found is None:
                    yield None
                else:
                    evidence += found
        self.ended = self.budgets.verdict(self.config, step.epoch, self.seconds, valid)
        self._unscored = None
        yield replace(step, seconds=self.seconds, valid=valid, evidence=evidence)

    def _timed(self, parts: Iterator[Part]) -> Iterator[Part]:
        """Yield what `parts` yield, and count the time that each takes."""
        while True:
            began = time.perf_counter()
            try:
                part = next(parts)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - began
            yield part

    def _gradient_due(self) -> bool:
        return gradient_due(self.step + 1, self.total_steps)

    def _descend(self, batch: Tensor, share: float) -> tuple[float, float]:
        """Add a batch's gradient, weighed by its share of the update; return its loss and how many were right."""
        labels = self.labels[batch]
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = self._network(self._varied(batch)).float()
        loss = self.loss(logits, labels)
        value = loss.item()
        if not math.isfinite(value):
            raise DivergedError(
                f"The loss was no longer a number in step {self.step + 1}: the weights grew without bound. "
                f"Train again with a smaller learning rate than {self.config.lr:g}."
            )
        if self.config.l1:
            weights = [weight for weight in trained_parameters(self.model) if weight.dim() > 1]
            loss = loss + self.config.l1 * torch.stack([weight.abs().sum() for weight in weights]).sum()
        (loss * share if share < 1 else loss).backward()
        return value, (logits.argmax(1) == labels).sum().item()

    def _validate(self) -> Iterator[Score | None]:
        features = self._features.get("valid")
        for score in evaluate_in_parts(
            self.model if features is None else self._network,
            self.dataset,
            self.dataset.valid,
            loss=self.measure,
            device=self.device,
            precision=self.precision,
            inputs=features,
        ):
            if score is not None and not math.isfinite(score.loss):
                raise DivergedError(
                    "The validation loss is no longer a number: the weights grew without bound. "
                    f"Train again with a smaller learning rate than {self.config.lr:g}."
                )
            yield score

    def checkpoint(self) -> Checkpoint:
        """Return weights, optimiser and random state as they are now (no copies: save before going on)."""
        training = optimizer_state(self.optimizer) | {"random": self.random.torch} | self.initial.tensors()
        if self.device.type == "cuda" and self.random.device is not None:
            training["random_cuda"] = self.random.device
        meta = {"step": str(self.step), "seconds": repr(self.seconds), "config": self.config.to_json()}
        meta |= self.budgets.to_meta() | self.initial.meta()
        if self._unscored is not None:
            meta["unscored"] = self._unscored.to_json()
        if self.ended:  # what is left is the test
            meta["ended"] = self.ended
        if self._unchanged:
            meta[BACKBONE] = source_of(self.model)
        return Checkpoint(self._weights(), training, meta)

    def _weights(self) -> dict[str, Tensor]:
        """Return the weights of the network, less those that it has from its pretrained backbone for ever."""
        return {name: tensor for name, tensor in self.model.state_dict().items() if name not in self._unchanged}

    def epoch_checkpoint(self, epoch: int) -> Checkpoint:
        """Return what is kept of an epoch: the whole state but for the optimiser's and the random state."""
        return Checkpoint(self._weights(), self.initial.tensors(), {**self.checkpoint().meta, "epoch": str(epoch)})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint: exactly, or from one of an epoch with the optimiser and random state of a start.

        Raises:
            StorageError: It is another network's or holds numbers that are not finite.
        """
        checkpoint.apply(self.model)
        self._unchanged = unchanged_names(self.model)
        self._features, self._computed = {}, self.frozen is None
        self.initial = InitialWeights.of(checkpoint, self.device)
        if "random" in checkpoint.training:
            own = checkpoint.training.keys() - self.initial.tensors().keys()
            load_optimizer_state(self.optimizer, {name: checkpoint.training[name] for name in own})
            on_cuda = self.device.type == "cuda"
            self.random.set(checkpoint.training["random"], checkpoint.training.get("random_cuda") if on_cuda else None)
        self.step, self.seconds = int(checkpoint.meta["step"]), float(checkpoint.meta["seconds"])
        self.budgets.restore(checkpoint.meta)
        self.ended = checkpoint.meta.get("ended", "")
        self._unscored = Step.from_json(checkpoint.meta["unscored"]) if "unscored" in checkpoint.meta else None


def train(model: nn.Module, dataset: Dataset, config: TrainConfig) -> Iterator[Step]:
    """Train `model` in place and yield a `Step` after every update.

    Raises:
        ConfigError: The device is not there.
        DivergedError: The loss is no longer a number.
    """
    yield from Training(model, dataset, config)
