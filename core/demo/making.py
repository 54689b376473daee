"""Making the runs of the demo: each once, however often it is asked for."""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from core.demo.plans import DEMOS, Demo
from core.errors import RunError
from core.runs.records import Run, Status
from core.runs.store import RunStore

ALL = 100_000  # runs that are looked through
LEAVE_SECONDS = 5.0
_WHOLE = (Status.FINISHED, Status.FAILED)  # a training that diverges may end with an error


@dataclass(frozen=True)
class Standing:
    """How far the demo is.

    Attributes:
        runs: The newest run of each training that there is, by its key in `DEMOS`.
    """

    runs: Mapping[str, Run]

    @property
    def missing(self) -> tuple[str, ...]:
        """The trainings that have to be made: none whose run is over as it should be, or is still to come."""
        made = {key for key, run in self.runs.items() if run.status in _WHOLE or run.status.active}
        return tuple(key for key in DEMOS if key not in made)

    @property
    def active(self) -> bool:
        """Whether any of it trains or waits."""
        return any(run.status.active for run in self.runs.values())

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0 to 1."""
        done = sum(DEMOS[key].images * _done(run) for key, run in self.runs.items())
        return done / sum(demo.images for demo in DEMOS.values())

    @property
    def seconds_left(self) -> float | None:
        """Training time still to come, at the average speed so far; None while unknown."""
        spent = sum(run.seconds for run in self.runs.values())
        return spent / self.progress * (1 - self.progress) if spent and self.progress else None


def _done(run: Run) -> float:
    return 1.0 if run.status in _WHOLE else run.progress


def standing(store: RunStore, limit: int = ALL) -> Standing:
    """Return how far the demo is, by the latest runs."""
    found: dict[str, Run] = {}
    for run in store.list(limit):
        key = next((key for key, demo in DEMOS.items() if demo.made_by(run)), None)
        if key is not None:
            found.setdefault(key, run)
    return Standing(found)


def create(store: RunStore, demo: Demo, *, owner: str = "") -> str:
    """Record the run of a training of the demo, with its note, and return its id; `owner` as in `RunStore.create`."""
    run_id = store.create(*demo.plan(), demo.dataset, demo.name, owner=owner)
    store.annotate(run_id, demo.note)
    return run_id


def queue(store: RunStore, submit: Callable[[str], None]) -> tuple[str, ...]:
    """Record and submit the trainings that are missing, and return the ids of their runs.

    What was left half-made, by a cancel or a crash, is removed and made anew; what there is stays as it is.

    Args:
        store: Where runs are kept.
        submit: Queues a run, for instance `Engine.submit`.
    """
    _remove_halves(store)
    made = []
    for key in standing(store).missing:
        made.append(create(store, DEMOS[key]))
        submit(made[-1])
    return tuple(made)


def cancel(store: RunStore, stop: Callable[[str], None]) -> None:
    """Stop what still trains or waits and remove it; finished trainings stay. `stop` is for instance `Engine.stop`."""
    halves = [run.id for run in standing(store).runs.values() if run.status.active]
    for run_id in reversed(halves):  # those that wait first: else the next would begin
        stop(run_id)
    until = time.monotonic() + LEAVE_SECONDS
    while time.monotonic() < until and standing(store).active:
        time.sleep(0.1)
    _remove_halves(store)


def train_here(
    store: RunStore, *, again: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> tuple[Run, ...]:
    """Train what is missing in this process, one after the other, and return all runs of the demo.

    Args:
        store: Where runs are kept.
        again: Whether to remove what there is of the demo first, and make all of it anew.
        progress: Called with a run's name, its steps so far and all of them; what it raises ends the work and leaves
            nothing half-made.

    Raises:
        RunError: `again`, and some of it is being trained elsewhere.
    """
    from core.train.loop import Training
    from core.train.metrics import Step
    from core.train.runner import Runner

    if again:
        for run in _own(store):
            store.delete(run.id)
    _remove_halves(store)
    for key in standing(store).missing:
        demo, owner = DEMOS[key], uuid.uuid4().hex
        run_id = create(store, demo, owner=owner)

        def tell(training: Training, step: Step, name: str = demo.name) -> None:
            if progress is not None:
                progress(name, step.step, training.total_steps)

        try:
            Runner(store, run_id, owner, on_step=tell).run()
        except BaseException:
            store.interrupt(run_id, "The demo was cancelled.")
            store.delete(run_id)
            raise
    found = standing(store).runs
    return tuple(found[key] for key in DEMOS if key in found)


def _remove_halves(store: RunStore) -> None:
    """Remove what is neither whole nor on its way."""
    for run in _own(store):
        if run.status not in _WHOLE and not run.status.active:
            with suppress(RunError):  # somebody else was faster
                store.delete(run.id)


def _own(store: RunStore) -> list[Run]:
    """Return the runs that the demo may remove: those that still have its name, for what people renamed is theirs."""
    return [
        run for run in store.list(ALL) if any(demo.name == run.name and demo.made_by(run) for demo in DEMOS.values())
    ]
