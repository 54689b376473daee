"""Many trainings at once: when each shows its first point, when all are done, how soon each obeys, what they take.

    python -m benchmarks.queue [runs] [seconds between presses] [images of an epoch]

The worker is the app's own, in a process of its own, started by the engine and watched from outside: its resident
memory and the processor time of it and its threads. Each run is the tutorial's network on mnist5k for one epoch. They
are trained alone first, then started one by one at a steady pace: the processor time of both is compared too, as it
says more than the clock where others use the machine. Then as many long ones train, and some of them are paused.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.table import print_table
from core.data.catalog import DATASETS
from core.model.presets import preset
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.engine import Engine
from core.train.memory import MB, measured_bytes

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 1800.0


@dataclass
class Course:
    """What was seen of some runs.

    Attributes:
        first_points: Seconds from the press to the first recorded point, by run.
        seconds: From the first press to the last end.
        processor: Seconds of processor time that the workers took in it.
        memory: Their largest resident memory, in MB.
    """

    first_points: list[float] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0
    memory: float = 0.0


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process and its threads so far; 0 once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def course(engine: Engine, count: int, gap: float, images: int) -> Course:
    """Start so many runs at a steady pace and watch them to their ends."""
    info, seen = DATASETS["mnist5k"], Course()
    spec = preset("tutorial", info.input_shape, len(info.class_names))
    pressed: dict[str, float] = {}
    pending: set[str] = set()
    began = time.monotonic()
    pids = {worker.pid for worker in engine._workers}
    before = sum(map(processor_seconds, pids))
    done = 0
    while done < count and time.monotonic() - began < PATIENCE_SECONDS:
        now = time.monotonic()
        if len(pressed) < count and now - began >= len(pressed) * gap:
            run_id = engine.store.create(spec, TrainConfig(epochs=1, seed=len(pressed), train_images=images), "mnist5k")
            engine.submit(run_id)
            pressed[run_id] = now
            pending.add(run_id)
        runs = engine.store.list(ids=list(pressed))
        for run in runs:
            if run.id in pending and run.step:
                pending.discard(run.id)
                seen.first_points.append(time.monotonic() - pressed[run.id])
        done = sum(run.status is Status.FINISHED for run in runs)
        failed = [run.message for run in runs if run.status in (Status.FAILED, Status.INTERRUPTED)]
        if failed:
            raise SystemExit(f"A run did not end well: {failed[0]}")
        pids |= {worker.pid for worker in engine._workers}
        seen.memory = max(seen.memory, max((measured_bytes(pid) for pid in pids), default=0) / MB)
        time.sleep(LOOK_SECONDS)
    seen.seconds = time.monotonic() - began
    seen.processor = sum(map(processor_seconds, pids)) - before
    return seen


def answers(engine: Engine, count: int, asked: int = 10) -> list[float]:
    """Return the seconds from asking for a pause to the pause, for some of so many runs that train in turns."""
    info = DATASETS["mnist5k"]
    spec = preset("tutorial", info.input_shape, len(info.class_names))
    runs = [engine.store.create(spec, TrainConfig(epochs=1000, seed=seed), "mnist5k") for seed in range(count)]
    engine.submit(runs[0])
    while any(not run.step for run in engine.store.list(ids=runs)):
        time.sleep(LOOK_SECONDS)
    seconds = []
    for run_id in runs[:: max(1, count // asked)]:
        began = time.monotonic()
        engine.request(run_id, "pause")
        while engine.store.worker.requests(run_id).status is not Status.PAUSED:
            time.sleep(0.005)
        seconds.append(time.monotonic() - began)
    for run_id in runs:
        engine.stop(run_id)
    return seconds


def main(argv: Sequence[str]) -> None:
    """Measure and print."""
    words = (*argv, *("30", "2", "0")[len(argv) :])
    count, gap, images = int(words[0]), float(words[1]), int(words[2])
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        engine = Engine(RunStore(), slots=1)
        try:
            course(engine, 1, 0.0, images)  # draws the data set
            alone = [course(engine, 1, 0.0, images) for _ in range(3)]
            once, processor = (median(getattr(each, name) for each in alone) for name in ("seconds", "processor"))
            print(f"One alone: {once:.1f} s, {processor:.1f} s of processor")
            together = course(engine, count, gap, images)
            print_table(f"First point, {count} runs, one every {gap:g} s", "seconds", {"first": together.first_points})
            ratio = together.processor / processor / count
            print(
                f"All done after {together.seconds:.1f} s, with {ratio:.3f} x the processor time of one after another"
            )
            print(f"Worker memory at most {together.memory:.0f} MB", flush=True)
            print_table(f"Until a pause is obeyed, {count} runs train", "seconds", {"pause": answers(engine, count)})
        finally:
            engine.close()


if __name__ == "__main__":
    main(sys.argv[1:])
