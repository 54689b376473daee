"""Recording a training: steps into the store, weights into checkpoint files."""

import time
from collections.abc import Iterable
from typing import TypeVar, cast

from core.leftovers import remove_parts
from core.options import options
from core.runs.files import checkpoint_name
from core.runs.records import Event, Evidence, Metric
from core.runs.store import RunStore
from core.runs.transactions import BusyError
from core.train.config import TrainConfig
from core.train.loop import Training
from core.train.metrics import Step
from core.train.retry import RetryPolicy, attempts
from core.train.turns import Turns, in_thread

FLUSH_SECONDS = 0.4
CHECKPOINT_SECONDS = 2.0
CHECKPOINT_SHARE = 0.005  # at most this share of the time goes into writing weights …
LONGEST_SECONDS = 6.0  # … but pages that show the latest ones need not wait longer
SPEED_SECONDS = 2.0
WAIT_SECONDS = 0.1  # for others who write, between two steps
CURVES_SECONDS = 10.0  # between two copies of the curves beside the weights, or more where they are long

Result = TypeVar("Result")


class Recording:
    """Buffers steps and writes them in batches, so that recording costs little time.

    All that reaches the disk is written beside, see `in_thread`: whoever has the next turn trains meanwhile, and this
    training itself waits until it is done, so that nothing changes what is being written.

    Steps are recorded before the weights that they led to: whatever is killed, a training never goes on from weights
    that came after its record. While others hold the database, steps are kept until they can be written.

    Args:
        store: Where the run is.
        run_id: The run.
        training: Its training.
        owner: In whose name it is trained; once that is another, nothing more is written and `RunError` raised.
    """

    def __init__(self, store: RunStore, run_id: str, training: Training, owner: str) -> None:
        self.store, self.run_id, self.training, self.owner = store, run_id, training, owner
        self._pending: list[Metric] = []
        self._evidence: list[Evidence] = []
        self._events: list[Event] = []
        self._retry = RetryPolicy()
        self._absent = 0.0  # how long others had their turns
        self._flushed = self._saved = float("-inf")
        self._saving, self._copied, self._copying = 0.0, self._now(), 0.0
        self._speed_from = (0.0, 0)
        self._epoch_sums = (0, 0, 0.0, 0.0)

    def begin(self) -> Turns[None]:
        """Take back what was recorded beyond the training's weights; a new one's are kept as those of epoch 0."""
        yield from self._apart(attempts(self._rewind))
        if self.training.step == 0:
            yield from self._apart(in_thread(lambda: self._save_epoch(0)))

    def note(self, step: Step) -> Turns[None]:
        """Add a step to the buffer and write if a write is due."""
        score = (step.valid.loss, step.valid.accuracy) if step.valid else (None, None)
        self._pending.append(
            Metric(step.step, step.epoch, step.lr, step.seconds, step.train_loss, step.train_accuracy, *score)
        )
        self._evidence += step.evidence
        self._add_to_epoch(step)
        now = self._now()
        if now - self._flushed > FLUSH_SECONDS or (step.valid and not self._retry.failing):
            yield from self._try_flush()
        if step.valid:
            yield from self._apart(in_thread(lambda: self._save_epoch(step.epoch)))
        if not self._pending and now - self._saved > self._interval():
            yield from self._apart(in_thread(self._save))

    def adjust(self, config: TrainConfig) -> None:
        """Change settings of the training and record an event for each."""
        before = self.training.config
        for setting in options(TrainConfig):
            old, new = getattr(before, setting.name), getattr(config, setting.name)
            if old != new:
                text = f"{setting.label.lower()} {old:g} → {new:g}"
                self._events.append(Event(self.training.reported, "edit", text))
        self.training.adjust(config)

    def report(self, event: Event) -> None:
        """Add an event to the buffer."""
        self._events.append(event)

    def measured(self, evidence: Iterable[Evidence]) -> None:
        """Add evidence to the buffer."""
        self._evidence += evidence

    def rest(self) -> Turns[None]:
        """Write the buffered steps, as `note` does, and let others have their turns."""
        before = self._absent
        if self._pending or self._events:
            yield from self._try_flush()
        if self._absent == before:
            yield from self._apart(_once())

    def settle(self) -> Turns[None]:
        """Write all buffered steps, the checkpoint and the copy of the rows; raises `BusyError` after a long while."""
        yield from self._apart(attempts(self.flush))
        yield from self._apart(attempts(self._save_and_copy))

    def flush(self) -> None:
        """Write the buffered steps and update the run's row.

        Raises:
            BusyError: Others hold the database; what is to be written is kept for the next time.
            RunError: The run was deleted or is trained elsewhere.
        """
        self._flushed = self._now()
        if self._pending or self._events:
            self.store.worker.record(
                self.run_id,
                self._pending,
                self._evidence,
                self._events,
                by=self.owner,
                wait=WAIT_SECONDS,
                **self._progress(),
            )
            self._pending, self._evidence, self._events = [], [], []
        self._retry.succeeded()

    def _now(self) -> float:
        """Return the seconds of a clock that stands still while others have their turns."""
        return time.monotonic() - self._absent

    def _apart(self, turns: Turns[Result]) -> Turns[Result]:
        """Take these turns; the time that others have meanwhile counts for no write that is due."""
        while True:
            try:
                due = next(turns)
            except StopIteration as end:
                return cast(Result, end.value)
            began = time.monotonic()
            yield due
            self._absent += time.monotonic() - began

    def _rewind(self) -> None:
        """Take back what the weights do not know of: what comes after the last step that was reported."""
        store, run_id, training = self.store, self.run_id, self.training
        remove_parts(store.workspace(run_id))
        # What comes after that step is measured again, and so is a new training before its first step.
        store.worker.rewind(run_id, training.reported if training.step else -1, by=self.owner)
        store.worker.record(
            run_id,
            (),
            by=self.owner,
            total_steps=training.total_steps,
            steps_per_epoch=training.steps_per_epoch,
            step=training.reported,
            seconds=training.seconds,
        )
        taken_back = [epoch for epoch in store.epochs(run_id) if epoch * training.steps_per_epoch > training.step]
        if taken_back:
            store.files.remove(run_id, *map(checkpoint_name, taken_back))

    def _try_flush(self) -> Turns[None]:
        """Flush, tolerating a locked database for a while; then raises `BusyError`."""
        try:
            yield from self._apart(in_thread(self.flush))
        except BusyError as error:
            self._retry.failed(error)

    def _progress(self) -> dict[str, float | int]:
        """Return the columns of the run's own row that the new steps change."""
        if not self._pending:
            return {}
        last = self._pending[-1]
        _, count, loss, accuracy = self._epoch_sums
        values: dict[str, float | int] = {
            "step": last.step,
            "epoch": last.epoch,
            "seconds": last.seconds,
            "train_loss": loss / count,
            "train_accuracy": accuracy / count,
        }
        for metric in self._pending:
            if metric.valid_loss is not None and metric.valid_accuracy is not None:
                values |= {"valid_loss": metric.valid_loss, "valid_accuracy": metric.valid_accuracy}
        return values | self._speed(last)

    def _speed(self, last: Metric) -> dict[str, float]:
        seconds, step = self._speed_from
        fresh = not step or last.step <= step
        if fresh or last.seconds - seconds > SPEED_SECONDS:
            self._speed_from = (last.seconds, last.step)
        if fresh or last.seconds <= seconds:
            return {}
        return {"images_per_second": (last.step - step) * self.training.config.batch_size / (last.seconds - seconds)}

    def _add_to_epoch(self, step: Step) -> None:
        epoch, count, loss, accuracy = self._epoch_sums
        if step.epoch != epoch:
            count, loss, accuracy = 0, 0.0, 0.0
        self._epoch_sums = (step.epoch, count + 1, loss + step.train_loss, accuracy + step.train_accuracy)

    def _interval(self) -> float:
        return max(CHECKPOINT_SECONDS, min(LONGEST_SECONDS, self._saving / CHECKPOINT_SHARE))

    def _save(self) -> None:
        began = self._now()
        self.store.files.save(self.run_id, None, self.training.checkpoint(), self.owner)
        self._saved = self._now()
        self._saving = self._saved - began
        long = max(CURVES_SECONDS, self._copying / CHECKPOINT_SHARE)
        self._copy(curves=self._saved - self._copied > long)

    def _save_and_copy(self) -> None:
        self._save()
        self._copy()

    def _copy(self, *, curves: bool = True) -> None:
        """Write the copy of the run's row, and of its curves, beside the weights."""
        began = self._now()
        self.store.copy(self.run_id, curves=curves)
        if curves:
            self._copied = self._now()
            self._copying = self._copied - began

    def _save_epoch(self, epoch: int) -> None:
        self.store.files.save(self.run_id, epoch, self.training.epoch_checkpoint(epoch), self.owner)


def _once() -> Turns[None]:
    yield 0.0
