"""How long a training still takes, from the times of its batches."""

from collections.abc import Iterable
from math import sqrt

from core.runs.records import Run

WARM_UP = 2  # the first batches allocate memory and choose kernels: they last several times as long as all others
FEWEST = 10  # of fewer, the spread itself is not known: its own error is still about a quarter
PRECISION = 0.1  # the standard error of the mean batch time, as a share of it, from which on a time is named


class BatchTimes:
    """Running mean and spread of the batch times of a training; what the validations add is kept apart.

    A time is named once the mean is known to `PRECISION`: after `FEWEST` batches where they are even, after
    (spread / mean / `PRECISION`)² of them where they are not, 25 if they scatter by half of their mean.
    """

    def __init__(self) -> None:
        self._step, self._seconds = 0, 0.0
        self._count, self._mean, self._squares = 0, 0.0, 0.0  # of the batches, after Welford
        self._validations, self._validating = 0, 0.0

    def add(self, step: int, seconds: float, *, validated: bool = False) -> None:
        """Add a step by the training time up to its end in seconds; `validated` where that includes a validation."""
        spent, follows = seconds - self._seconds, step == self._step + 1
        self._step, self._seconds = step, seconds
        if not follows or step <= WARM_UP:
            return
        if validated:
            self._validations += 1
            self._validating += max(0.0, spent - self._mean)
            return
        self._count += 1
        change = spent - self._mean
        self._mean += change / self._count
        self._squares += change * (spent - self._mean)

    @property
    def known(self) -> bool:
        """Whether the mean is known well enough to name a time."""
        if self._count < FEWEST:
            return False
        return sqrt(self._squares / (self._count - 1) / self._count) <= PRECISION * self._mean

    def left(self, steps: int, epochs: int) -> float | None:
        """Return how many seconds so many steps and the validations after so many epochs take; None while unknown.

        Before the first validation, none is counted.
        """
        if not self.known:
            return None
        return steps * self._mean + epochs * self._validating / max(1, self._validations)


def seconds_left(run: Run, times: BatchTimes) -> float | None:
    """Return how long a run that has begun still trains, from the times of its batches, or None while unknown."""
    if not run.total_steps or not run.steps_per_epoch:
        return None
    done = run.step // run.steps_per_epoch
    return times.left(run.total_steps - run.step, run.total_steps // run.steps_per_epoch - done)


def shared_seconds(own: float, others: Iterable[float | None], at_a_time: int = 1) -> float:
    """Return how long a run still trains that takes turns with others, in seconds.

    While two of them train, each has as much of the time as the other: the shorter one is done after twice its own.

    Args:
        own: What the run would need alone.
        others: What each other would; one of which that is unknown counts as if it lasted longer.
        at_a_time: How many have their turns at the same moment.
    """
    together = own + sum(own if other is None else min(own, other) for other in others)
    return max(own, together / at_a_time)


def expected_seconds(run: Run, others: Iterable[Run]) -> float | None:
    """Return how long a run that has not begun will take, from the first of others that did the same; else None.

    The same is: the network, the data set and every setting but the number of epochs and the seed.
    """
    for other in others:
        done = other.step / other.steps_per_epoch if other.steps_per_epoch else 0.0
        if done >= 1 and other.seconds and _work(other) == _work(run):
            return other.seconds / done * float(run.config.get("epochs", 1))
    return None


def _work(run: Run) -> tuple[object, ...]:
    return run.spec.layers, run.dataset, {**run.settings, "epochs": 0, "seed": 0}
