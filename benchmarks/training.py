"""Training speed of the tutorial's network: a recorded, watched run against a bare PyTorch loop.

`python -m benchmarks.training [rounds]` takes turns in one process: some steps of the recorded run, some of the bare
loop with the same settings, some of plain float32 PyTorch as one would first write it.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice

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
from core.train.loop import Step, Training
from core.train.runner import Runner

BATCH, SEGMENT, WARM_UP = 64, 40, 8
SPEC = preset("tutorial", (3, 32, 32), 10)


def bare_loop(dataset: Dataset, *, tuned: bool) -> Iterator[None]:
    """Train as a script would, with nothing recorded: with our settings, or float32 as it comes out of the box."""
    device = pick_device("auto")
    precision = pick_precision("auto", device) if tuned else torch.float32
    model: nn.Module = build_model(SPEC).to(device)
    if tuned:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), fused=True if tuned else None)
    images, labels = dataset.train.images.to(device), dataset.train.labels.to(device)
    mean = torch.tensor(dataset.mean, device=device)[:, None, None]
    std = torch.tensor(dataset.std, device=device)[:, None, None]
    while True:
        for batch in torch.randperm(len(labels)).to(device).split(BATCH):
            inputs = (images[batch].float() / 255 - mean) / std
            if tuned:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                loss = functional.cross_entropy(model(inputs), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # a loop that never looks at its loss is of no use; it also waits for a GPU
            yield


def segment(steps: Iterator[None]) -> float:
    """Return images per second over one segment."""
    began = time.perf_counter()
    for _ in islice(steps, SEGMENT):
        pass
    return SEGMENT * BATCH / (time.perf_counter() - began)


def measure(rounds: int) -> dict[str, list[float]]:
    """Take turns and return images per second of each contender."""
    dataset = load_dataset("shapes")
    bare, plain = bare_loop(dataset, tuned=True), bare_loop(dataset, tuned=False)
    speeds: dict[str, list[float]] = {"bare loop, same settings": [], "recorded, watched run": [], "plain float32": []}
    store = RunStore()
    config = TrainConfig(epochs=1000, batch_size=BATCH)
    run_id = store.create(SPEC, config, "shapes", owner="benchmark")
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(store, run_id, done))
    began = [0.0]

    def take_turns(training: Training, step: Step) -> None:
        if step.step < WARM_UP or (step.step - WARM_UP) % SEGMENT:
            return
        if began[0]:
            speeds["recorded, watched run"].append(SEGMENT * BATCH / (time.perf_counter() - began[0]))
            speeds["bare loop, same settings"].append(segment(bare))
            speeds["plain float32"].append(segment(plain))
        else:
            for steps in (bare, plain):
                for _ in islice(steps, WARM_UP):
                    pass
        if len(speeds["plain float32"]) >= rounds:
            done.set()
        began[0] = time.perf_counter()

    watcher.start()
    Runner(store, run_id, "benchmark", leaving=done.is_set, on_step=take_turns).run()
    done.set()
    watcher.join()
    store.close()
    return speeds


def watch(store: RunStore, run_id: str, done: threading.Event) -> None:
    """Look at the run twice a second, as an open page does."""
    history = History(store, run_id)
    while not done.wait(0.5):
        history.update()
        history.points(store.get(run_id).steps_per_epoch)


def main() -> None:
    torch.set_num_threads(settings().threads)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    speeds = measure(rounds)
    device = pick_device("auto")
    print(f'device {device.type}; precision="auto" is {pick_precision("auto", device)} here')
    print_table("Training the tutorial's network", "images/s", speeds, against="bare loop, same settings")
    print_table("The same, against plain PyTorch", "images/s", speeds, against="plain float32")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONVSCOPE_HOME"] = folder
        main()
