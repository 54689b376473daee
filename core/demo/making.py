"""Making the runs of the demo: each once, however often it is asked for."""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from core.demo.plans import DEMOS
from core.errors import RunError
from core.runs.records import Run, Status
from core.runs.remaining import FEWEST, WARM_UP
from core.runs.store import RunStore

LEAVE_SECONDS = 5.0
_WHOLE = (Status.FINISHED, Status.FAILED)  # a training that diverges may end with an error


@dataclass(frozen=True)
class DemoStatus:
    """How far the demo is.

    Attributes:
        runs: The newest run of each training that there is, by its key in `DEMOS`.
    """

    runs: Mapping[str, Run]

    @property
    def missing(self) -> tuple[str, ...]:
        """The trainings that have to be made: none whose run is over as it should be, or is still to come."""
        present = {key for key, run in self.runs.items() if run.status in _WHOLE or run.status.active}
        return tuple(key for key in DEMOS if key not in present)

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
        """Training time still to come, at the average speed so far; None before enough batches say something of it."""
        spent = sum(run.seconds for run in self.runs.values())
        batches = sum(run.step for run in self.runs.values())
        return spent / self.progress * (1 - self.progress) if batches >= WARM_UP + FEWEST and self.progress else None


def _done(run: Run) -> float:
    return 1.0 if run.status in _WHOLE else run.progress


def standing(store: RunStore) -> DemoStatus:
    """Return how far the demo is; of several runs of a training, the newest that is whole or still to come counts."""
    keys = {demo_origin(key): key for key in DEMOS}
    runs = [(keys[run.origin], run) for run in store.list(origins=keys)]
    unknown = {demo.name: key for key, demo in DEMOS.items() if key not in {known for known, _ in runs}}
    if unknown:  # an earlier version, which recorded no origin, may have made them
        unrecorded = store.list(names=unknown, origins=[""])
        runs += [(unknown[run.name], run) for run in unrecorded if DEMOS[unknown[run.name]].made_by(run)]
    chosen: dict[str, Run] = {}
    for key, run in runs:
        if key not in chosen or (_counts(run) and not _counts(chosen[key])):
            chosen[key] = run
    return DemoStatus({key: chosen[key] for key in DEMOS if key in chosen})


def _counts(run: Run) -> bool:
    return run.status in _WHOLE or run.status.active


def demo_origin(key: str) -> str:
    """Return the origin of the runs of a training of the demo."""
    return f"demo:{key}"


def create(store: RunStore, key: str, *, owner: str = "") -> str:
    """Record the run of a training of the demo, with its note, and return its id; `owner` as in `RunStore.create`."""
    demo = DEMOS[key]
    return store.create(*demo.plan(), demo.dataset, demo.name, owner=owner, note=demo.note, origin=demo_origin(key))


def queue(store: RunStore, submit: Callable[[str], None]) -> tuple[str, ...]:
    """Record and submit the trainings that are missing, and return the ids of their runs.

    What a crash interrupted goes on from its last weights. What somebody stopped is made a second time. No run is
    removed or changed.

    Args:
        store: Where runs are kept.
        submit: Queues a run, for instance `Engine.submit`.
    """
    now, queued = standing(store), []
    for key in now.missing:
        half = now.runs.get(key)
        if half is not None and half.status is Status.INTERRUPTED and _untouched(store, half):
            store.request(half.id, "resume")
            queued.append(half.id)
        else:
            queued.append(create(store, key))
        submit(queued[-1])
    return tuple(queued)


def cancel(store: RunStore, stop: Callable[[str], None]) -> None:
    """Stop what still trains or waits, and remove of it what nobody has touched; all other runs stay.

    `stop` is for instance `Engine.stop`.
    """
    active = [run for run in standing(store).runs.values() if run.status.active]
    halves = [run.id for run in active if _untouched(store, run)]
    for run in reversed(active):  # those that wait first: else the next would begin
        with suppress(RunError):  # it has just ended, or somebody else was faster
            stop(run.id)
    until = time.monotonic() + LEAVE_SECONDS
    while time.monotonic() < until and any(run.id in halves for run in store.list(status=Status.RUNNING)):
        time.sleep(0.1)
    for run_id in halves:
        with suppress(RunError):  # it is still being trained, or gone
            if store.get(run_id).status not in _WHOLE:
                store.delete(run_id)


def train_here(
    store: RunStore, *, again: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> tuple[Run, ...]:
    """Train what is missing in this process, one after the other, and return all runs of the demo.

    Args:
        store: Where runs are kept.
        again: Whether to remove first what there is of the demo and nobody has touched, and make all of it anew.
        progress: Called with a run's name, its steps so far and all of them; what it raises ends the work and leaves
            nothing half-made.

    Raises:
        RunError: `again`, and some of it is being trained elsewhere.
    """
    from core.train.loop import Training
    from core.train.metrics import Step
    from core.train.runner import Runner

    if again:
        for run in store.list(origins=[demo_origin(key) for key in DEMOS]):
            if _untouched(store, run):
                store.delete(run.id)
    for key in standing(store).missing:
        demo, owner = DEMOS[key], uuid.uuid4().hex
        run_id = create(store, key, owner=owner)

        ended: list[Exception] = []  # what the progress raised: a runner lets no exception of a training out

        def tell(training: Training, step: Step, name: str = demo.name, ended: list[Exception] = ended) -> None:
            try:
                if progress is not None:
                    progress(name, step.step, training.total_steps)
            except Exception as error:
                ended.append(error)

        try:
            Runner(store, run_id, owner, leaving=lambda ended=ended: bool(ended), on_step=tell).run()  # type: ignore[misc]
            if ended:
                raise ended[0]
        except BaseException:
            store.worker.worker_died(run_id, "The demo was cancelled.")
            store.delete(run_id)
            raise
    runs = standing(store).runs
    return tuple(runs[key] for key in DEMOS if key in runs)


def _untouched(store: RunStore, run: Run) -> bool:
    """Say whether nobody has stopped, paused, renamed, annotated or edited a run of the demo."""
    demo = DEMOS.get(run.origin.removeprefix(demo_origin("")))
    if demo is None or not run.origin:
        return False
    as_made = (run.name, run.note, dict(run.live)) == (demo.name, demo.note, {}) and not store.series.events(run.id)
    return as_made and run.wanted == "run" and run.status not in (Status.STOPPED, Status.PAUSED)
