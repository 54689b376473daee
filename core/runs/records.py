"""The records of a run as frozen dataclasses: the run itself, its metrics, events and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.data.dataset_info import DatasetInfo
from core.model.spec import ModelSpec
from core.runs.lifecycle import Status as Status

# Codes of `Run.failure`: the loss was no longer a number; memory ran out; the disk or the database cannot be used;
# the images or the settings are not usable here; a fault of the program.
DIVERGED, OUT_OF_MEMORY, STORAGE = "diverged", "out_of_memory", "storage"
DATA_MISSING, SETTINGS, INTERNAL = "data_missing", "settings", "internal"
FOREIGN = "foreign:"  # begins the origin of a run whose weights another program made; then comes the program
DIVERGED_WORDS = "no longer a number"  # in the message of such runs, by which versions without codes knew them


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        id: Ten hexadecimal digits.
        name: What people call it.
        dataset: Key of `core.data.DATASETS`.
        spec: The network.
        config: The fields of the `core.train.TrainConfig` it was started with.
        status: Where it stands.
        wanted: What was last asked of it: "run", "pause" or "stop".
        pace: Batches per second it is held to, for slow motion; 0 for full speed.
        live: Settings that were changed while it trained, with their newest values.
        note: What people wrote about it.
        message: One sentence on why it failed, was interrupted or ended early, else empty.
        origin: What made it, where that was not a person: "demo:digits", "recipe:high_rate:2", "foreign:keras"; else
            empty.
        failure: Code of why it failed, for instance `DIVERGED`; empty where it did not or nobody knows.
        created: Seconds since 1970, by a clock that may have been wrong: newer runs are known by their place.
        heartbeat: When its worker last showed life, seconds since 1970; 0 before the first.
        epoch: The epoch being trained, from 1; 0 before the first.
        step: Optimiser updates so far.
        total_steps: Optimiser updates of the whole training; 0 while unknown.
        steps_per_epoch: Optimiser updates of one epoch; 0 while unknown.
        seconds: Time spent training, pauses left out.
        images_per_second: Training speed over the last seconds; 0 while unknown.
        train_loss, train_accuracy: Means over the batches of the current epoch.
        valid_loss, valid_accuracy: On the whole validation split after the last full epoch.
        test_loss, test_accuracy: On the test split, once, at the end.
        dataset_info: What was known of the data set, so that the run can be used without it; None where that was
            never recorded and the data set is not here.
        prepared, to_prepare: Of how many images what the frozen layers of the network make of them is computed, and of
            how many it will be; 0 where no layer is frozen.
    """

    id: str
    name: str
    dataset: str
    spec: ModelSpec
    config: Mapping[str, Any]
    status: Status
    wanted: str
    pace: float
    live: Mapping[str, Any]
    note: str
    message: str
    origin: str
    failure: str
    created: float
    heartbeat: float
    epoch: int
    step: int
    total_steps: int
    steps_per_epoch: int
    seconds: float
    images_per_second: float
    train_loss: float | None
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    dataset_info: DatasetInfo | None = None
    prepared: int = 0
    to_prepare: int = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, one for each output; "class 0" and so on where they are not known."""
        names = self.dataset_info.class_names if self.dataset_info else ()
        complete = len(names) == self.spec.num_classes
        return names if complete else tuple(f"class {index}" for index in range(self.spec.num_classes))

    @property
    def foreign(self) -> bool:
        """Whether its weights were made by another program: it has no steps and no curves."""
        return self.origin.startswith(FOREIGN)

    @property
    def learned(self) -> bool:
        """Whether its weights are more than random: it has steps behind it, here or elsewhere."""
        return self.step > 0 or self.foreign

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in effect: those it was started with, overridden by those changed while it trained."""
        return {**self.config, **self.live}

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0


@dataclass(frozen=True)
class Metric:
    """What one optimiser update measured; the validation fields are set on the last step of an epoch."""

    step: int
    epoch: int
    lr: float
    seconds: float
    train_loss: float
    train_accuracy: float
    valid_loss: float | None = None
    valid_accuracy: float | None = None


@dataclass(frozen=True)
class Event:
    """Something people did to a training after `step` updates; kind "edit" changed a setting, `text` says which."""

    step: int
    kind: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """What was measured inside a network after `step` updates.

    Attributes:
        step: Optimiser updates so far; 0 before the first.
        kind: "gradient" (L2 norm of the layer's gradient; layer "all" is the whole network), "weights" (root mean
            square of the layer's weights), "activations" (standard deviation of its outputs on fixed validation
            images) or "dead" (share of its units that answer all of these images alike, 0 to 1).
        layer: Name of the layer.
        value: The number.
        bins: Lowest and highest value, then the counts of a histogram between them; empty for kinds without.
    """

    step: int
    kind: str
    layer: str
    value: float
    bins: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outline:
    """The sparkline of a run in the table of runs.

    Attributes:
        train_loss: Means over equal stretches of steps, in order.
        best_valid_accuracy: The highest after any epoch; None before the first epoch is over.
    """

    train_loss: tuple[float, ...]
    best_valid_accuracy: float | None


@dataclass(frozen=True)
class RunRequests:
    """What people ask of a run, as its worker reads it.

    Attributes:
        status: Where the run stands; anything but running or paused means that the worker has to leave it.
        wanted: "run", "pause" or "stop".
        steps: Single steps still to do before pausing.
        owner: Whose run it is: that of an engine, or of a training without the app.
        pace: Batches per second it is held to; 0 for full speed.
        live: Settings that were changed while it trained.
        person: Whose work it is: people share a worker equally, however many runs each has; empty while unknown.
    """

    status: Status
    wanted: str
    steps: int
    owner: str
    pace: float
    live: Mapping[str, Any]
    person: str = ""

    def ask_more_than(self, seen: "RunRequests") -> bool:
        """Return whether anything was asked since these were read; steps that were done since are nothing new."""
        return self.steps > seen.steps or replace(self, steps=0) != replace(seen, steps=0)
