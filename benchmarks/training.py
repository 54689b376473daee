"""Training speed of the tutorial's network: a recorded, watched run against a bare PyTorch loop.

`python -m benchmarks.training [rounds]` takes turns in one process: an epoch of the recorded run while another process
watches it, one of a bare loop with the same settings, one of plain float32 PyTorch as one would first write it, and one
of the recorded run while nobody looks; validation is part of each.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from benchmarks.table import print_table
from core.data.datasets import Dataset, load_dataset
from core.model.build import build_model
from core.model.presets import preset
from core.runs.history import History
from core.runs.store import RunStore
from core.settings import settings
from core.train.config import TrainConfig
from core.train.hardware import pick_device, pick_precision
from core.train.loop import Training
from core.train.metrics import Step
from core.train.runner import Runner

WATCHED, ALONE = "recorded, watched run", "recorded, not watched"
BATCH = 64
SPEC = preset("tutorial", (3, 32, 32), 10)


def bare_loop(dataset: Dataset, *, tuned: bool) -> Iterator[None]:
    """Train as a script would, an epoch and its validation a turn: with our settings, or float32 out of the box."""
    device = pick_device("auto")
    precision = pick_precision("auto", device) if tuned else torch.float32
    layout = torch.channels_last if tuned else torch.contiguous_format
    model: nn.Module = build_model(SPEC).to(device)
    model = model.to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), fused=True if tuned else None)
    splits = [(split.images.to(device), split.labels.to(device)) for split in (dataset.train, dataset.valid)]
    mean = torch.tensor(dataset.mean, device=device)[:, None, None]
    std = torch.tensor(dataset.std, device=device)[:, None, None]

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        inputs = ((images.float() / 255 - mean) / std).contiguous(memory_format=layout)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            return functional.cross_entropy(model(inputs), labels)

    while True:
        images, labels = splits[0]
        for batch in torch.randperm(len(labels)).to(device).split(BATCH):
            loss = loss_of(images[batch], labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # a loop that never looks at its loss is of no use; it also waits for a GPU
        with torch.no_grad():
            for some in zip(*(tensor.split(256) for tensor in splits[1]), strict=True):
                loss_of(*some).item()
        yield


def measure(rounds: int) -> dict[str, list[float]]:
    """Take turns, an epoch each, and return images per second of each contender."""
    dataset = load_dataset("shapes")
    contenders: dict[str, Iterator[None]] = {
        "bare loop, same settings": bare_loop(dataset, tuned=True),
        "plain float32": bare_loop(dataset, tuned=False),
    }
    speeds: dict[str, list[float]] = {name: [] for name in (WATCHED, ALONE, *contenders)}
    store = RunStore()
    run_id = store.create(SPEC, TrainConfig(epochs=1000, batch_size=BATCH), "shapes", owner="benchmark")
    done = threading.Event()
    watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(store.url, run_id), daemon=True)
    began = [0.0]

    def take_turns(training: Training, step: Step) -> None:
        if step.valid is None:
            return
        watched = step.epoch % 2 == 1
        if step.epoch > 2:  # the first epoch of each warms up
            speeds[WATCHED if watched else ALONE].append(len(dataset.train) / (time.perf_counter() - began[0]))
        assert watcher.pid is not None
        os.kill(watcher.pid, signal.SIGSTOP if watched else signal.SIGCONT)
        for name, epochs in contenders.items() if watched else ():
            turn = time.perf_counter()
            next(epochs)
            if step.epoch > 2:
                speeds[name].append(len(dataset.train) / (time.perf_counter() - turn))
        if step.epoch > 2 * rounds + 1:
            done.set()
        began[0] = time.perf_counter()

    watcher.start()
    Runner(store, run_id, "benchmark", leaving=done.is_set, on_step=take_turns).run()
    watcher.terminate()
    watcher.join()
    store.close()
    return speeds


def watch(url: str, run_id: str) -> None:
    """Look at the run twice a second, as the app's process does for an open page."""
    store = RunStore(url)
    history = History(store, run_id)
    while True:
        history.update()
        history.points(store.get(run_id).steps_per_epoch)
        time.sleep(0.5)


def main() -> None:
    torch.set_num_threads(settings().threads)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    speeds = measure(rounds)
    device = pick_device("auto")
    print(f'device {device.type}; precision="auto" is {pick_precision("auto", device)} here')
    print_table("Training the tutorial's network", "images/s", speeds, against="bare loop, same settings")
    print_table("The same, against the unwatched run", "images/s", speeds, against=ALONE)
    print_table("The same, against plain PyTorch", "images/s", speeds, against="plain float32")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONVSCOPE_HOME"] = folder
        main()
