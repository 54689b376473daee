"""The tutorial's own Keras script against the app: the same network, data, batch and optimiser on the same cores.

`python -m benchmarks.tutorial KERAS_PYTHON [rounds] [images]` takes turns, an epoch each: Keras in a process of its
own, then the recorded, watched run with the settings that the app starts with. `KERAS_PYTHON` is the interpreter of an
environment made from `benchmarks/requirements-keras.txt`. CIFAR-10 is used where it has been downloaded, else `shapes`.

`python -m benchmarks.tutorial KERAS_PYTHON --accuracy EPOCHS SEEDS` trains both to the end instead and compares how
many test images they get right.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from benchmarks.table import print_table
from benchmarks.training import SPEC, watch
from core.data.arrays import is_stored
from core.data.datasets import Dataset, load_dataset
from core.runs.store import RunStore
from core.settings import settings
from core.train.config import TrainConfig
from core.train.loop import Training
from core.train.metrics import Step
from core.train.runner import Runner

OURS, THEIRS = "ConvScope, recorded and watched", "Keras, the tutorial's script"


class Keras:
    """The tutorial's script in a process of its own, which trains an epoch when it is told to."""

    def __init__(self, python: str, folder: Path, *flags: str, seed: int = 0) -> None:
        script = Path(__file__).with_name("keras_tutorial.py")
        command = [python, "-P", str(script), str(folder), str(settings().threads), str(seed), *flags]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def epoch(self) -> dict[str, Any]:
        """Train one epoch and return its seconds and accuracies."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> "Keras":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def write_images(dataset: Dataset, folder: Path) -> None:
    """Leave the very same splits for the other process."""
    arrays: dict[str, np.ndarray] = {}
    for name, split in (("train", dataset.train), ("valid", dataset.valid), ("test", dataset.test)):
        arrays |= {name: split.images.numpy(), f"{name}_labels": split.labels.numpy()}
    np.savez(folder / "images.npz", allow_pickle=False, **arrays)


def compare_speed(python: str, dataset_name: str, dataset: Dataset, folder: Path, rounds: int) -> None:
    """Take turns and print images per second; the first epoch of each warms up."""
    speeds: dict[str, list[float]] = {THEIRS: [], OURS: []}
    store, done, began = RunStore(), [False], [0.0]
    config = TrainConfig(epochs=1000, batch_size=64, train_images=len(dataset.train))
    run_id = store.create(SPEC, config, dataset_name, owner="benchmark")
    watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(store.url, run_id), daemon=True)
    watcher.start()
    with Keras(python, folder) as keras:

        def take_turns(training: Training, step: Step) -> None:
            if step.valid is None:
                return
            ours = time.perf_counter() - began[0]
            theirs = keras.epoch()["seconds"]
            if step.epoch > 1:
                speeds[OURS].append(len(dataset.train) / ours)
                speeds[THEIRS].append(len(dataset.train) / theirs)
            done[0] = step.epoch > rounds
            began[0] = time.perf_counter()

        Runner(store, run_id, "benchmark", leaving=lambda: done[0], on_step=take_turns).run()
    watcher.terminate()
    watcher.join()
    store.close()
    print_table(f"The tutorial's network, {len(dataset.train):,} images", "images/s", speeds, against=THEIRS)


def compare_accuracy(python: str, dataset_name: str, folder: Path, epochs: int, seeds: int) -> None:
    """Train both to the end from several seeds and print the share of test images that each gets right."""
    store, shares = RunStore(), {THEIRS: [0.0] * 0, OURS: [0.0] * 0}
    for seed in range(seeds):
        with Keras(python, folder, "--test", seed=seed) as keras:
            shares[THEIRS].append([keras.epoch()["test"] for _ in range(epochs)][-1])
        run_id = store.create(SPEC, TrainConfig(epochs=epochs, seed=seed), dataset_name, owner="benchmark")
        Runner(store, run_id, "benchmark").run()
        shares[OURS].append(store.get(run_id).test_accuracy or 0.0)
        print(f"seed {seed}: " + ", ".join(f"{name} {values[-1]:.1%}" for name, values in shares.items()), flush=True)
    store.close()
    print_table(f"Test accuracy after {epochs} epochs", "share", shares)
    print(f"difference of the means: {statistics.mean(shares[OURS]) - statistics.mean(shares[THEIRS]):+.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="Interpreter of the environment with Keras.")
    parser.add_argument("rounds", type=int, nargs="?", default=7)
    parser.add_argument("images", type=int, nargs="?", default=5000)
    parser.add_argument("--accuracy", type=int, nargs=2, metavar=("EPOCHS", "SEEDS"))
    arguments = parser.parse_args()
    torch.set_num_threads(settings().threads)
    name = "cifar10" if is_stored("cifar10") else "shapes"
    dataset = load_dataset(name, limit=None if arguments.accuracy or name == "shapes" else arguments.images)
    with tempfile.TemporaryDirectory() as folder:
        write_images(dataset, Path(folder))
        if arguments.accuracy:
            compare_accuracy(arguments.python, name, Path(folder), *arguments.accuracy)
        else:
            compare_speed(arguments.python, name, dataset, Path(folder), arguments.rounds)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("CONVSCOPE_HOME", home)
        main()
