"""Trains one run of the store, in turns, and obeys the requests in it."""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, TypeVar, cast

from core.data.datasets import Dataset, load_dataset
from core.errors import ConfigError, RunError, StorageError
from core.model.build import build_model
from core.runs.checkpoint import Checkpoint, load_checkpoint
from core.runs.ownership import returns
from core.runs.records import Event, Run, RunRequests, Status
from core.runs.reserve import give_reserve, keep_reserve
from core.runs.store import RunStore
from core.runs.training_data import as_recorded
from core.runs.transactions import BusyError
from core.train.config import LIVE, TrainConfig
from core.train.endings import ending_of
from core.train.heartbeat import Heartbeat
from core.train.loop import Training
from core.train.metrics import Step, evaluate_in_parts
from core.train.recorder import Recording
from core.train.retry import attempts
from core.train.turns import Turns, in_one_go, in_thread

HOLD_SECONDS = 600.0
POLL_SECONDS = 0.1
SEND_SECONDS, LEAVE_SEND_SECONDS = 20.0, 4.0  # how long an end waits for an object store that takes the files
SEND_LOOK_SECONDS = 0.05
TELL_SECONDS = 0.5  # between two notes of how far the features of frozen layers are
LOG = "worker.log"
Part = TypeVar("Part")
LEFT = "The app was closed while this run trained: press Resume to go on."


def load_images(run: Run) -> Dataset:
    """Return the images that a run trains on, as its settings limit them."""
    return load_dataset(run.dataset, limit=int(run.config.get("train_images", 0)) or None)


class Runner:
    """Trains one run, records it, and pauses, steps or stops when asked to.

    Args:
        store: Where the run is.
        run_id: A run whose status is running.
        owner: In whose name it runs; when the store names another owner, the run is let go.
        leaving: Asked often; once it is true the run is checkpointed and let go, interrupted or to the queue.
        on_step: Called after every step, for a progress bar.
        load: Returns the images of a run, in turns; several runs may share them.
        poll_seconds: Between two looks at what is asked within a turn; each turn begins with one.

    Attributes:
        stepped: Whether it has made a step.
        seen: The requests that it read last.
        single: Whether what is being done is a single step that was asked for, or the test after the last one.
        answering: Whether something that was asked for is being done: a single step, a pause or a stop.
    """

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        owner: str,
        *,
        leaving: Callable[[], bool] = lambda: False,
        on_step: Callable[[Training, Step], None] = lambda training, step: None,
        load: Callable[[Run], Turns[Dataset]] = lambda run: in_thread(lambda: load_images(run)),
        poll_seconds: float | None = None,
    ) -> None:
        self.store, self.run_id, self.owner = store, run_id, owner
        self.leaving, self.on_step, self.load = leaving, on_step, load
        self.seen: RunRequests | None = None
        self._recording: Recording | None = None
        self._fallback: int | None = None  # the epoch gone on from where the latest checkpoint is damaged
        self._looked = self._began = self._pace = 0.0
        self._poll = POLL_SECONDS if poll_seconds is None else poll_seconds
        self.single = self.answering = self.stepped = False

    def run(self) -> Status:
        """Train without others until `turns` end; return what they do.

        Raises:
            StorageError: It could not be recorded how the run was left.
        """
        with Heartbeat(lambda: {(self.store, self.owner): (self.run_id,)}):
            return in_one_go(self.turns(), POLL_SECONDS)

    def turns(self, over: Callable[[], bool] = lambda: False) -> Turns[Status]:
        """Train in turns until the run ends, has paused for long or has another owner; return its status in the store.

        What a turn has measured is recorded when it ends. A run that was deleted has stopped. Who takes the turns
        shows that the run lives, see `core.train.heartbeat`.

        Args:
            over: Asked after each step, and between two batches of a validation or test: whether the turn is over.

        Raises:
            StorageError: It could not be recorded how the run was left.
        """
        try:
            yield from self._train(over)
        except RunError as error:
            yield from self._end(Status.FAILED, str(error))  # nothing happens where it was deleted, or is another's now
        except Exception as error:
            ending = ending_of(error, has_weights=self.store.has_weights(self.run_id))
            yield from self._end(ending.status, ending.message, failure=ending.failure)
        finally:
            give_reserve(self.store.workspace(self.run_id))
        try:
            return (yield from self._requests()).status
        except RunError:
            return Status.STOPPED

    def _images(self, run: Run) -> Turns[Dataset | None]:
        """Return the images of a run; None if the run was left before they were there."""
        loading = self.load(run)
        while True:
            try:
                due = next(loading)
            except StopIteration as end:
                return cast(Dataset, end.value)
            yield due
            requests = yield from attempts(lambda: self.store.worker.requests(self.run_id))
            if self.leaving():
                yield from self._leave()
            elif requests.wanted == "stop":
                yield from self._end(Status.STOPPED, "")
            elif requests.wanted == "pause" and requests.steps <= 0:
                yield from attempts(lambda: self.store.worker.hold(self.run_id, self.owner))
            elif requests.owner == self.owner and requests.status is Status.RUNNING:
                continue
            loading.close()
            return None

    def _prepare(self, run: Run, images: Dataset) -> Turns[Training]:
        config = TrainConfig.from_mapping(run.config)
        dataset = as_recorded(run, images)
        if run.dataset_info is None or not run.dataset_info.mean:  # the run can be used without its data set later on
            info = replace(dataset.info, mean=dataset.mean, std=dataset.std)
            yield from attempts(lambda: self.store.change(self.run_id, dataset_info=info.to_json()))
        training = Training(build_model(run.spec, seed=config.seed), dataset, config)
        if self.store.has_weights(self.run_id):
            checkpoint = yield from in_thread(self._load)
            training.restore(checkpoint)
            if "config" in checkpoint.meta:  # what had been changed by then; what was changed since is seen at once
                training.adjust(TrainConfig.from_json(checkpoint.meta["config"]))
        return training

    def _load(self) -> Checkpoint:
        """Return the latest checkpoint, or the newest readable epoch checkpoint if that is damaged.

        Raises:
            StorageError: There is none to go on from; those of earlier versions name no step.
        """
        self._fallback = None
        try:
            return load_checkpoint(self.store.checkpoint(self.run_id))
        except StorageError:
            for epoch in reversed(self.store.epochs(self.run_id)):
                with suppress(StorageError):
                    checkpoint = load_checkpoint(self.store.checkpoint(self.run_id, epoch))
                    if "step" in checkpoint.meta:
                        self._fallback = epoch
                        return checkpoint
            raise

    def _train(self, over: Callable[[], bool]) -> Turns[None]:
        if self.leaving():
            yield from self._leave()
            return
        run = yield from attempts(lambda: self.store.get(self.run_id))
        if self.store.files.remote:
            yield from in_thread(lambda: self.store.files.recover(self.run_id, run.step, run.steps_per_epoch))
        images = yield from self._images(run)
        if images is None:
            return
        training = yield from self._prepare(run, images)
        yield from in_thread(lambda: keep_reserve(self.store.workspace(self.run_id)))
        recording = Recording(self.store, self.run_id, training, self.owner)
        yield from recording.begin()
        self._recording = recording
        if self._fallback is not None:
            text = f"the latest weights were damaged: went on from those of epoch {self._fallback}, optimiser anew"
            recording.report(Event(training.step, "damage", text))
            yield from recording.settle()
        if not (yield from self._precompute(training, recording, over)):
            return
        if training.step == 0:
            evidence = yield from self._next(recording, training.gauge(), over)
            if evidence is None:
                return
            recording.measured(evidence)
        steps = training.parts()
        while not training.over:
            step = yield from self._next(recording, steps, over)
            if step is None:
                return
            last = self.single and self.seen is not None and self.seen.steps <= 1
            if self.single and not training.over:
                # Look again right after this one step, which is answered once the run pauses:
                self.single, self.answering, self._looked = False, last, 0.0
            yield from recording.note(step)
            self.stepped = True
            self.on_step(training, step)
            yield from self._slow_down()
            if over() and not last:  # who asked for one step sees the run pause at once, not when its turn comes again
                yield from self._rest(recording)
        yield from recording.settle()
        scores = evaluate_in_parts(
            training.model, training.dataset, training.dataset.test, loss=training.measure, device=training.device
        )
        test = yield from self._next(recording, scores, over)
        if test is not None:
            yield from self._end(Status.FINISHED, training.ended, test_loss=test.loss, test_accuracy=test.accuracy)

    def _precompute(self, training: Training, recording: Recording, over: Callable[[], bool]) -> Turns[bool]:
        """Compute the features of frozen layers, recording how far that is; false if the run has been left."""
        done, total, told = 0, 0, 0.0
        for done, total in training.precompute():
            if not (yield from self._obey(recording)):
                return False
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                yield from self._tell(done, total)
            if over():
                yield from self._rest(recording)
        if total:
            yield from self._tell(total, total)
        return True

    def _tell(self, done: int, total: int) -> Turns[None]:
        yield from attempts(
            lambda: self.store.worker.record(self.run_id, (), by=self.owner, prepared=done, to_prepare=total)
        )

    def _next(self, recording: Recording, parts: Iterator[Part | None], over: Callable[[], bool]) -> Turns[Part | None]:
        """Return what comes next, obeying the requests on the way; None if the run has been left."""
        while True:
            if not (yield from self._obey(recording)):
                return None
            self._began = time.monotonic()
            part = next(parts)
            if part is not None:
                return part
            if over():
                yield from self._rest(recording)

    def _rest(self, recording: Recording) -> Turns[None]:
        """End the turn."""
        yield from recording.rest()
        self._looked = 0.0  # much may have been asked meanwhile

    def _slow_down(self) -> Turns[None]:
        """In slow motion, wait until the next step is due or a request arrives."""
        while self._pace and (due := self._began + 1 / self._pace) > time.monotonic() and not self.leaving():
            yield due
            requests = yield from self._requests()
            if requests.wanted != "run" or requests.pace != self._pace or requests.status is not Status.RUNNING:
                self._looked = 0.0
                return

    def _obey(self, recording: Recording) -> Turns[bool]:
        """Obey the requests; return whether to do the next step, else the run has been left."""
        now = time.monotonic()
        if now - self._looked < self._poll and not self.leaving():
            return True
        self._looked = now
        requests = yield from self._requests()
        self.answering = self.single or requests.wanted != "run" or self.leaving()
        if requests.owner != self.owner:
            return False
        if requests.status is not Status.RUNNING:
            yield from recording.settle()
            return False
        if self.leaving():
            yield from recording.settle()
            yield from self._leave()
            return False
        if requests.wanted == "stop":
            yield from recording.settle()
            yield from self._end(Status.STOPPED, "")
            return False
        self._pace = requests.pace
        self._adopt(recording, requests.live)
        if requests.wanted != "pause" or self.single:
            return True
        if requests.steps <= 0:
            return (yield from self._hold(recording))
        yield from attempts(lambda: self.store.worker.step(self.run_id, self.owner))
        self.single = self.answering = True
        return True

    def _requests(self) -> Turns[RunRequests]:
        self.seen = yield from attempts(lambda: self.store.worker.requests(self.run_id))
        return self.seen

    def _adopt(self, recording: Recording, live: Mapping[str, Any]) -> None:
        """Apply settings that were changed while the run trains; ignore those that are not `LIVE`."""
        current = recording.training.config
        wanted = {name: value for name, value in live.items() if name in LIVE}
        if any(getattr(current, name) != value for name, value in wanted.items()):
            with suppress(ConfigError):  # the page has checked it; a damaged record must not end a training
                recording.adjust(TrainConfig.from_mapping({**asdict(current), **wanted}))

    def _hold(self, recording: Recording) -> Turns[bool]:
        """Pause with the network in memory for at most `HOLD_SECONDS`; returns as `_obey` does."""
        yield from recording.settle()
        self._looked = 0.0  # whatever comes next is seen at once
        if not (yield from attempts(lambda: self.store.worker.hold(self.run_id, self.owner))):
            return (yield from self._obey(recording))
        self.answering = False
        until = time.monotonic() + HOLD_SECONDS
        while time.monotonic() < until and not self.leaving():
            requests = yield from self._requests()
            if requests.owner != self.owner or not requests.status.active:
                return False
            if requests.status is Status.RUNNING:
                return (yield from self._obey(recording))
            yield until
        return False

    def _leave(self) -> Turns[None]:
        """Let the run go as those of its owner are: to whoever takes it from the queue, or interrupted."""
        if returns(self.owner):
            yield from self._sent()  # first: another machine goes on from them
            yield from attempts(lambda: self.store.worker.give_back(self.run_id, self.owner))
        else:
            yield from self._end(Status.INTERRUPTED, LEFT)

    def _end(self, status: Status, message: str, **values: Any) -> Turns[None]:
        give_reserve(self.store.workspace(self.run_id))
        try:
            if self._recording is not None:
                yield from attempts(self._recording.flush)
        except RunError:
            return  # it is another's by now
        except BusyError:
            raise
        except StorageError:
            pass  # a full disk may still have room for the few words that say so
        except Exception:  # what ended the training may be the recording itself; the state is written all the same
            traceback.print_exc()

        unsent = yield from self._sent()
        words = f"{message} {unsent}".strip()

        def write() -> None:
            self.store.worker.record_end(self.run_id, self.owner, status, message=words, **values)
            if unsent and not self.store.files.waiting(self.run_id):
                self.store.worker.note_files(self.run_id, "")

        with suppress(RunError):
            yield from attempts(write, StorageError)

    def _sent(self) -> Turns[str]:
        """Wait until others can read the files of the run; return one sentence where they cannot, or nothing."""
        files = self.store.files
        files.send(self.run_id, LOG, self.owner)
        until = time.monotonic() + (LEAVE_SEND_SECONDS if self.leaving() else SEND_SECONDS)
        while files.waiting(self.run_id) and not files.trouble(self.run_id) and time.monotonic() < until:
            yield time.monotonic() + SEND_LOOK_SECONDS
        return files.trouble(self.run_id)
