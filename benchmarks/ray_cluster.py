"""Ray on two nodes of this machine, one of which is killed in the middle: `python -m benchmarks.ray_cluster [RUNS]`.

Two raylets are started by `ray start`, with a token, on ports of their own. The app's engine for Ray places a worker on
each, and trainings are started. As soon as both workers train, all processes of the second node are killed at once,
its worker and what that started included. Then every run has to end, with each step recorded once and the losses of a
training that nothing disturbed, to the last bit. With `CONVSCOPE_DATABASE_URL` the runs are in that store.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.engines import start_engine
from core.train.loop import train

SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
EPOCHS, BATCHES = 12, 10
PATIENCE_SECONDS = 150.0


def config(seed: int) -> TrainConfig:
    """Return settings of ten steps an epoch."""
    images = 32 * BATCHES
    return TrainConfig(epochs=EPOCHS, batch_size=32, train_images=images, precision="fp32", device="cpu", seed=seed)


def undisturbed(seed: int) -> list[float]:
    """Return the losses of a training in this process."""
    dataset = load_dataset("digits", limit=config(seed).train_images)
    return [step.train_loss for step in train(build_model(SPEC, seed=seed), dataset, config(seed))]


def until(check: Callable[[], bool], what: str) -> float:
    """Wait until something is so and return for how many seconds."""
    began = time.monotonic()
    while not check():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise SystemExit(f"This did not happen in {PATIENCE_SECONDS:g} s: {what}.")
        time.sleep(0.1)
    return time.monotonic() - began


def descendants(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def kill(pid: int) -> int:
    """Kill a process and all that descend from it, with none left to notice, and return how many that were."""
    processes = descendants(pid)
    for how in (signal.SIGSTOP, signal.SIGKILL):
        for each in processes:
            with suppress(ProcessLookupError):
                os.kill(each, how)
    return len(processes)


@contextmanager
def node(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Have a node of Ray, with one processor to give away."""
    program = Path(sys.executable).with_name("ray")
    command = [str(program), "start", "--block", "--num-cpus=1", "--object-store-memory=83886080", *arguments]
    with (folder / "ray.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        kill(process.pid)
        process.wait()


def free_port() -> int:
    """Return the number of a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def try_out(folder: Path, count: int) -> None:
    """Try it with so many runs and print what was seen; raises SystemExit where anything is missing or differs."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    os.environ |= {
        "CONVSCOPE_HOME": str(folder / "home"),
        "CONVSCOPE_ENGINE": "ray",
        "CONVSCOPE_RAY_ADDRESS": address,
        "CONVSCOPE_SLOTS": "2",
        "CONVSCOPE_THREADS": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    head = ("--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false")
    store = RunStore()
    with node(folder, *head, f"--temp-dir={folder}"):
        until(lambda: _listens(port), "the head node listens")
        with node(folder, f"--address={address}", "--node-ip-address=127.0.0.1") as second:
            print(f"With another token: {_said_with_another_token(store)}", flush=True)
            engine = start_engine(store)
            try:
                there = until(lambda: len(store.presence.workers()) == 2, f"two workers, but {engine.hindrance()}")
                print(f"Two workers on two nodes after {there:.1f} s", flush=True)
                runs = [store.create(SPEC, config(seed), "digits") for seed in range(count)]
                for run_id in runs:
                    store.set_pace(run_id, 2)  # steps a second, so that there is a middle
                    engine.submit(run_id)
                until(lambda: _in_the_middle(store, runs), "both workers train")
                before = {run.id: (run.step, run.status) for run in store.list(ids=runs)}
                owners = {run_id: store.worker.requests(run_id).owner for run_id in runs}
                killed = kill(second.pid)
                print(
                    f"Second node killed, {killed} processes, at steps {[step for step, _ in before.values()]}",
                    flush=True,
                )
                for run_id in runs:
                    store.set_pace(run_id, 0)
                took = until(
                    lambda: all(run.status is Status.FINISHED for run in store.list(ids=runs)), "every run ends"
                )
                print(f"Every run ended {took:.1f} s after that", flush=True)
                _compare(store, runs, before, owners)
            finally:
                began = time.monotonic()
                engine.close()
                print(f"Engine closed in {time.monotonic() - began:.1f} s")
    store.close()


def _said_with_another_token(store: RunStore) -> str:
    token, os.environ["RAY_AUTH_TOKEN"] = os.environ["RAY_AUTH_TOKEN"], secrets.token_hex(32)
    engine = start_engine(store)
    try:
        until(lambda: bool(engine.hindrance()), "another token is refused")
        return engine.hindrance()
    finally:
        engine.close()
        os.environ["RAY_AUTH_TOKEN"] = token


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _in_the_middle(store: RunStore, runs: Sequence[str]) -> bool:
    trained = [run for run in store.list(ids=list(runs)) if run.status is Status.RUNNING and run.step > BATCHES]
    return len({store.worker.requests(run.id).owner for run in trained}) == 2


def _compare(
    store: RunStore, runs: Sequence[str], before: dict[str, tuple[int, Status]], owners: dict[str, str]
) -> None:
    moved = 0
    for seed, run_id in enumerate(runs):
        metrics = store.metrics(run_id)
        if [metric.step for metric in metrics] != list(range(1, EPOCHS * BATCHES + 1)):
            raise SystemExit(f"Steps of run {seed} are missing or twice there.")
        if [metric.train_loss for metric in metrics] != undisturbed(seed):
            raise SystemExit(f"The losses of run {seed} are not those of an undisturbed training.")
        if before[run_id][1] is Status.RUNNING:
            moved += store.worker.requests(run_id).owner != owners[run_id]
    print(f"{len(runs)} runs of {EPOCHS * BATCHES} steps, none lost, losses equal to the bit; {moved} changed workers")


def main(argv: Sequence[str]) -> None:
    """Try it and print."""
    with tempfile.TemporaryDirectory(prefix="ray-cluster-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try_out(Path(folder), int(argv[0]) if argv else 4)


if __name__ == "__main__":
    main(sys.argv[1:])
