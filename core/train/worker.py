"""The training process: waits with torch loaded, is handed one run, trains it and ends.

Started as `python -m core.train.worker`. One line arrives on stdin: {"run": id, "owner": name, "url": …}. The end of
stdin means that the app is gone, even if it was killed: the run is checkpointed and left.
"""

import json
import os
import signal
import sys
import threading
import traceback

import torch

from core.data.catalog import DATASETS
from core.data.datasets import Dataset, Split
from core.model.build import build_model
from core.model.presets import preset
from core.runs.records import STORAGE, Status
from core.runs.store import RunStore
from core.settings import cannot_write, settings
from core.train.config import TrainConfig
from core.train.loop import Training
from core.train.runner import Runner


def _warm() -> None:
    """Run one step of a small network, so that the first step of the run does not pay for loading kernels.

    It needs nothing of the data directory, which may be full or missing; whatever goes wrong is left to the run to say.
    """
    images = Split(torch.zeros(32, 1, 28, 28, dtype=torch.uint8), torch.arange(32) % 10)
    dataset = Dataset(DATASETS["mnist5k"], images, images, images, mean=(0.0,), std=(1.0,))
    model = build_model(preset("tutorial", dataset.input_shape, dataset.num_classes))
    try:
        next(iter(Training(model, dataset, TrainConfig(batch_size=32))))
    except Exception:
        traceback.print_exc()


def _log_to(path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)


def main() -> None:
    """Wait for a run and train it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the app decides
    gone = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: gone.set())
    torch.set_num_threads(settings().threads)
    _warm()
    if hasattr(os, "nice"):
        os.nice(5)  # the pages stay quick while it trains
    line = sys.stdin.readline()
    if not line or gone.is_set():
        return
    order = json.loads(line)

    def wait_for_end() -> None:
        sys.stdin.read()
        gone.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    store = RunStore(order["url"])
    folder = store.checkpoint(order["run"]).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _log_to(str(folder / "worker.log"))
    except OSError as error:
        message = str(cannot_write(error))
        store.leave(order["run"], order["owner"], Status.INTERRUPTED, failure=STORAGE, message=message)
        return
    Runner(store, order["run"], order["owner"], leaving=gone.is_set).run()
    store.close()


if __name__ == "__main__":
    main()
