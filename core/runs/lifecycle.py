"""The life of a run as one table: its states, what can happen to it in each, and what that changes in its row.

`TRANSITIONS[trigger][status]` says where a run of that status goes. A pair that is not in the table is forbidden: the
row stays as it is, and a person who asked for it reads `refusal`. `core.runs.run_table` turns an entry into one UPDATE
whose condition is the state, so that two processes can never both move the same run.

What happens to a run when its worker dies: the engine (`core.train.engine`) notices that the process has ended, and
the run is `GIVEN_BACK`: it queues again at its old place and goes on from its last checkpoint in another worker. Where
that would not help, because no worker can be started or the engine itself is gone and the heartbeat stands still, what
is reported is `WORKER_DIED`: a running run is then interrupted, with a sentence, keeps its last checkpoint and waits
for Resume. Runs in all other states need no worker and stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any


class Status(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """Whether a worker has it, or will: it can still be stopped."""
        return self in TRANSITIONS[Trigger.STOP]

    @property
    def resumable(self) -> bool:
        """Whether it can go on from its last checkpoint: resuming queues it."""
        transition = TRANSITIONS[Trigger.RESUME].get(self)
        return transition is not None and transition.status is not self


class Trigger(StrEnum):
    """What can happen to a run."""

    # Asked for by people.
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    STEP = "step"  # do one batch, then pause
    EPOCH = "epoch"  # do the rest of the epoch, then pause
    EDIT = "edit"  # change settings that may change while it trains
    DELETE = "delete"

    # Reported by the worker that has the run.
    STEPPED = "stepped"  # it begins one of the single batches that were asked for
    HELD = "held"  # it pauses, with the network at hand
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # the app is closing, or what hinders the training may pass

    # Reported by an engine.
    CLAIMED = "claimed"  # it takes the run from the queue for a worker of its own
    GIVEN_BACK = "given back"  # the worker has ended or left the run, but the run has not ended: nobody trains it
    WORKER_DIED = "worker died"  # it fell silent with its engine, could not be started or cannot train the run

    IMPORTED = "imported"  # the run arrives in an archive in which it was active


REQUESTS = (Trigger.PAUSE, Trigger.RESUME, Trigger.STOP, Trigger.STEP, Trigger.EPOCH)


class Value(Enum):
    """A column value that is computed when the row is written."""

    GIVEN = auto()  # comes with the trigger: an owner, a message, the code of a failure, changed settings
    NOW = auto()  # seconds since 1970
    END_OF_QUEUE = auto()  # a time behind all others in the queue
    ONE_STEP_MORE = auto()
    ONE_STEP_LESS = auto()  # but not below 0
    REST_OF_EPOCH = auto()  # steps until the epoch ends; a whole epoch where one has just ended


@dataclass(frozen=True)
class Transition:
    """One entry of the table.

    Attributes:
        status: The state afterwards; None where the run is removed.
        columns: Further columns of the row with their new values; all others stay.
    """

    status: Status | None
    columns: Mapping[str, Any] = field(default_factory=dict)


QUEUED, RUNNING, PAUSED, FINISHED, STOPPED, FAILED, INTERRUPTED = Status
INITIAL, INITIAL_WITH_OWNER = QUEUED, RUNNING  # of a new run: it waits, or whoever created it trains it at once

_RUN = {"wanted": "run", "steps_wanted": 0}
_PAUSE = {"wanted": "pause", "steps_wanted": 0}
_STOP = {"wanted": "stop", "steps_wanted": 0}
_STEP = {"wanted": "pause", "steps_wanted": Value.ONE_STEP_MORE}
_EPOCH = {"wanted": "pause", "steps_wanted": Value.REST_OF_EPOCH}
_REQUEUED = {"queued": Value.END_OF_QUEUE, "message": "", "failure": ""}
_LIVE = {"live": Value.GIVEN}
_ENDED = {"message": Value.GIVEN, "failure": Value.GIVEN}
_CLAIMED = {"owner": Value.GIVEN, "heartbeat": Value.NOW, "message": "", "failure": ""}
_IMPORTED = {"wanted": "run", "images_per_second": 0.0, "message": Value.GIVEN}


def _goes_on(wish: Mapping[str, Any]) -> dict[Status, Transition]:
    """Return the transitions of a request to train on: an active run keeps its state, a resting one queues again."""
    return {
        QUEUED: Transition(QUEUED, wish),
        RUNNING: Transition(RUNNING, wish),
        PAUSED: Transition(QUEUED, {**wish, **_REQUEUED}),
        STOPPED: Transition(QUEUED, {**wish, **_REQUEUED}),
        INTERRUPTED: Transition(QUEUED, {**wish, **_REQUEUED}),
    }


def _ends(status: Status) -> dict[Status, Transition]:
    """Return the transitions at the end of a training, also of a run paused, resumed or reported dead meanwhile."""
    return {before: Transition(status, _ENDED) for before in (QUEUED, RUNNING, PAUSED, INTERRUPTED)}


TRANSITIONS: Mapping[Trigger, Mapping[Status, Transition]] = {
    Trigger.PAUSE: {
        QUEUED: Transition(PAUSED, _PAUSE),
        RUNNING: Transition(RUNNING, _PAUSE),  # its worker obeys: HELD
        PAUSED: Transition(PAUSED, _PAUSE),
    },
    Trigger.RESUME: _goes_on(_RUN),
    Trigger.STOP: {
        QUEUED: Transition(STOPPED, _STOP),
        RUNNING: Transition(RUNNING, _STOP),  # its worker obeys: STOPPED
        PAUSED: Transition(STOPPED, _STOP),
    },
    Trigger.STEP: _goes_on(_STEP),
    Trigger.EPOCH: _goes_on(_EPOCH),
    Trigger.EDIT: {status: Transition(status, _LIVE) for status in (QUEUED, RUNNING, PAUSED, STOPPED, INTERRUPTED)},
    Trigger.DELETE: {status: Transition(None) for status in (QUEUED, PAUSED, FINISHED, STOPPED, FAILED, INTERRUPTED)},
    Trigger.STEPPED: {RUNNING: Transition(RUNNING, {"steps_wanted": Value.ONE_STEP_LESS})},
    Trigger.HELD: {RUNNING: Transition(PAUSED, {"images_per_second": 0.0})},
    Trigger.FINISHED: _ends(FINISHED),
    Trigger.STOPPED: _ends(STOPPED),
    Trigger.FAILED: _ends(FAILED),
    Trigger.INTERRUPTED: _ends(INTERRUPTED),
    Trigger.CLAIMED: {QUEUED: Transition(RUNNING, _CLAIMED)},
    Trigger.GIVEN_BACK: {RUNNING: Transition(QUEUED)},
    Trigger.WORKER_DIED: {RUNNING: Transition(INTERRUPTED, {"message": Value.GIVEN})},
    Trigger.IMPORTED: {status: Transition(INTERRUPTED, _IMPORTED) for status in (QUEUED, RUNNING, PAUSED)},
}

# What a row must hold besides, or the trigger comes too late: a pause that was taken back holds no run.
CONDITIONS: Mapping[Trigger, Mapping[str, Any]] = {Trigger.HELD: {"wanted": "pause", "steps_wanted": 0}}

_REFUSALS = {
    Trigger.PAUSE: "This run is {status}: it cannot be paused any more.",
    Trigger.RESUME: "This run is {status}: it cannot be resumed any more.",
    Trigger.STOP: "This run is {status}: it cannot be stopped any more.",
    Trigger.STEP: "This run is {status}: it can do no further batch.",
    Trigger.EPOCH: "This run is {status}: it can do no further epoch.",
    Trigger.EDIT: "This run is {status}: its settings cannot be changed any more.",
    Trigger.DELETE: "This run is training: stop it before you delete it.",
}


def statuses(trigger: Trigger) -> tuple[Status, ...]:
    """Return the states in which something can happen to a run."""
    return tuple(TRANSITIONS[trigger])


def refusal(trigger: Trigger, status: Status) -> str:
    """Return the sentence for a person whose request is forbidden in that state.

    Raises:
        KeyError: Nobody asks for that: what a worker or an engine reports too late changes nothing.
    """
    return _REFUSALS[trigger].format(status=status)
