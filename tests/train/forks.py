"""Training processes that are there at once, and break as they are told to.

`python -m tests.train.forks` loads torch once, names what else of `HEAVY` training has loaded, and forks a child for
each line on stdin. A child is a process of its own that trains one run, as a worker does; the fault it is given
changes it before it starts.
"""

import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.runs import checkpoint
from core.runs.store import RunStore
from core.train import recorder
from core.train.loop import Training
from core.train.runner import Runner
from tests.train.trials import LONG, SPEC

HEAVY = {"torch._dynamo", "torchvision", "sklearn", "scipy", "pandas", "matplotlib", "plotly", "captum"}


def _reach(home: str) -> None:
    Path(home, "reached").touch()
    time.sleep(600)


def quick(home: str) -> None:
    """Write weights all the time."""
    recorder.CHECKPOINT_SECONDS = recorder.FLUSH_SECONDS = 0.02
    recorder.CHECKPOINT_SHARE = 1.0


def slow(home: str) -> None:
    """Take a few milliseconds longer for each step."""
    steps = recorder.Recording.note
    recorder.Recording.note = lambda self, step: (steps(self, step), time.sleep(0.005))[0]


def _break_writing(home: str, turn: int, keep: float) -> None:
    """Stop for good when the latest weights are written for the nth time: so much of the file is there, unnamed."""
    quick(home)
    save, turns = checkpoint.save_file, itertools.count(1)

    def write(tensors: dict, path: Path, metadata: dict) -> None:
        broken = path.name.startswith("latest") and next(turns) == turn
        if not broken or keep:
            save(tensors, path, metadata=metadata)
        if broken and keep:
            os.truncate(path, int(path.stat().st_size * keep))
        if broken:
            _reach(home)

    checkpoint.save_file = write


def unwritten(home: str) -> None:
    """Stop for good right before the first weights would be written."""
    _break_writing(home, turn=1, keep=0.0)


def half_written(home: str) -> None:
    """Stop for good in the middle of writing weights over earlier ones."""
    _break_writing(home, turn=3, keep=0.5)


def written(home: str) -> None:
    """Stop for good when new weights are written but do not have their name yet."""
    _break_writing(home, turn=3, keep=1.0)


def named(home: str) -> None:
    """Stop for good right after new weights took the place of earlier ones."""
    quick(home)
    save, turns = checkpoint.save_checkpoint, itertools.count(1)

    def write(path: Path, content: checkpoint.Checkpoint) -> None:
        save(path, content)
        if path.name.startswith("latest") and next(turns) == 3:
            _reach(home)

    checkpoint.save_checkpoint = write


def jumping_clock(home: str) -> None:
    """Have a clock that is anywhere within a day, another time at every look."""
    real = time.time
    time.time = lambda: real() + random.uniform(-86_400, 86_400)


def small_files(home: str) -> None:
    """Write no file beyond 600 kB, as if the disk were full; the record of the run stays below that."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


FAULTS = {
    fault.__name__: fault
    for fault in (quick, slow, unwritten, half_written, written, named, jumping_clock, small_files)
}


def main() -> None:
    """Fork a child for each line on stdin and print its process id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for them
    parent = os.getpid()
    next(iter(Training(build_model(SPEC), load_dataset("digits"), LONG)))  # loads what takes long to load
    print(*sorted(HEAVY & sys.modules.keys()), "ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child:
            print(child, flush=True)
            continue
        os.environ["CONVSCOPE_HOME"] = order["home"]
        for name in order["faults"]:
            FAULTS[name](order["home"])
        store = RunStore()
        Runner(store, order["run"], order["owner"], leaving=lambda: os.getppid() != parent).run()
        os._exit(0)


if __name__ == "__main__":
    main()
