"""The worker process: waits with torch loaded, receives one run, trains it and exits.

Started as `python -m core.train.worker`. One line arrives on stdin: {"run": id, "owner": name, "url": …, "folder": …},
the last two those of the store. The end of stdin means that the app is gone, even if it was killed: the run is
checkpointed and left. On stdout it says `BEGUN` when it begins the run, or one sentence that tells why it cannot.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from core.errors import ConvScopeError
from core.settings import cannot_write, settings
from core.train.process_tuning import tune_process
from core.train.worker_process import BEGUN

LONGEST_WORDS = 600


def _warm() -> None:
    """Run one step of a small network, so that the first step of the run does not pay for loading kernels.

    It needs nothing of the data directory, which may be full or missing; whatever goes wrong is left to the run to say.
    """
    import torch

    from core.data.catalog import DATASETS
    from core.data.datasets import Dataset, Split
    from core.model.build import build_model
    from core.model.presets import preset
    from core.train.config import TrainConfig
    from core.train.loop import Training

    images = Split(torch.zeros(32, 1, 28, 28, dtype=torch.uint8), torch.arange(32) % 10)
    dataset = Dataset(DATASETS["mnist5k"], images, images, images, mean=(0.0,), std=(1.0,))
    model = build_model(preset("tutorial", dataset.input_shape, dataset.num_classes))
    try:
        next(iter(Training(model, dataset, TrainConfig(batch_size=32))))
    except Exception:
        traceback.print_exc()


def _log_to(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)


def _train(order: dict[str, Any], say: Callable[[str], None], gone: threading.Event) -> None:
    from core.runs.records import STORAGE, Status
    from core.runs.store import RunStore
    from core.train.runner import Runner

    store = RunStore(order["url"], Path(order["folder"]))
    folder = store.checkpoint(order["run"]).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _log_to(folder / "worker.log")
    except OSError as error:
        message = str(cannot_write(error))
        store.worker.record_end(order["run"], order["owner"], Status.INTERRUPTED, failure=STORAGE, message=message)
        return
    say(BEGUN)
    Runner(store, order["run"], order["owner"], leaving=gone.is_set).run()
    store.close()


def _wait_and_train(lines: TextIO, say: Callable[[str], None], gone: threading.Event) -> None:
    threads = settings().threads  # first: what is wrong there is said before torch takes its time to load
    import torch

    torch.set_num_threads(threads)
    _warm()
    if hasattr(os, "nice"):
        os.nice(5)  # the pages stay quick while it trains
    line = lines.readline()
    if not line or gone.is_set():
        return

    def wait_for_end() -> None:
        lines.read()
        gone.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    _train(json.loads(line), say, gone)


def serve(lines: TextIO, say: Callable[[str], None], gone: threading.Event) -> int:
    """Wait for a run and train it.

    Args:
        lines: Where the order comes from; its end means that the app is gone.
        say: Takes `BEGUN`, or the sentence why the run cannot be trained.
        gone: Set when the app is gone, or when somebody else wants the worker to leave.

    Returns:
        The exit code: 1 if such a sentence was said.
    """
    try:
        _wait_and_train(lines, say, gone)
    except ConvScopeError as error:
        sentence = str(error)
    except Exception as error:
        traceback.print_exc()
        sentence = (
            f"Its worker could not train ({type(error).__name__}: {error}): worker.log in the folder of the runs has "
            "the details. Press Resume once that is mended."
        )
    else:
        return 0
    line = " ".join(sentence.split())
    say(line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…")
    return 1


def main() -> int:
    """Serve the engine that started this process."""
    tune_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the app decides
    gone = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: gone.set())
    engine = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed belongs into the log

    def say(words: str) -> None:
        with suppress(OSError):  # the app is gone
            os.write(engine, f"{words}\n".encode())

    return serve(sys.stdin, say, gone)


if __name__ == "__main__":
    sys.exit(main())
