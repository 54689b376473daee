"""The worker process: waits with torch loaded, receives runs one after another and trains them in turns.

Started by an engine as `python -m core.train.worker --orders`; other starts are those of a worker of its own, see
`core.train.standalone`. Orders arrive as lines on stdin, reports leave as lines on stdout; see
`core.train.messages`. The end of stdin means that the app is gone, even if it was killed, or that the worker is not
needed any more: its runs are checkpointed and left, and it exits. If it cannot work at all, it says why in one
sentence, and its exit code is 1.
"""

import gc
import os
import queue
import signal
import stat
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from core.settings import settings
from core.train.messages import Order, Release, Report, Watched, read_order, sentence_of
from core.train.process_tuning import tune_process


def _warm() -> None:
    """Run one step of a small network, so that the first step of a run does not pay for loading kernels.

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


class _Orders:
    """The orders that arrive on stdin, read by a thread; its end sets `gone`."""

    def __init__(self, lines: TextIO, gone: threading.Event) -> None:
        self._lines, self._gone = lines, gone
        self._orders: queue.SimpleQueue[Order | Release | Watched] = queue.SimpleQueue()
        self._news = threading.Event()
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def waiting(self) -> bool:
        """Return whether there are any."""
        return not self._orders.empty()

    def new(self) -> Iterator[Order | Release | Watched]:
        """Yield those that have arrived since the last time."""
        self._news.clear()
        with suppress(queue.Empty):
            while True:
                yield self._orders.get_nowait()

    def wait(self, seconds: float) -> None:
        """Wait for the next one, or for the end, but not longer."""
        self._news.wait(seconds)

    def _read(self) -> None:
        with suppress(ValueError):  # the file was closed
            for line in self._lines:
                try:
                    self._orders.put(read_order(line))
                except (ValueError, TypeError):
                    traceback.print_exc()
                self._news.set()
        self._gone.set()
        self._news.set()


def _train(
    lines: TextIO, report: Callable[[Report], None], direct: Callable[[Path | None], None], gone: threading.Event
) -> None:
    threads = settings().threads  # first: what is wrong there is said before torch takes its time to load
    orders = _Orders(lines, gone)
    import torch

    torch.set_num_threads(threads)
    _warm()
    if hasattr(os, "nice"):
        os.nice(5)  # the pages stay quick while it trains
    from core.train.executor import Executor

    gc.collect()
    gc.freeze()  # what was imported stays, and need not be looked at after each run
    executor = Executor(report, direct, leaving=gone.is_set, arriving=orders.waiting)
    with executor.heartbeat:
        while not gone.is_set():
            for order in orders.new():
                if isinstance(order, Release):
                    executor.release(order.number)
                elif isinstance(order, Watched):
                    executor.watch(order.numbers)
                else:
                    executor.admit(order)
            orders.wait(executor.turn())
        executor.leave()


def serve(
    lines: TextIO, say: Callable[[str], None], direct: Callable[[Path | None], None], gone: threading.Event
) -> int:
    """Wait for runs and train them.

    Args:
        lines: Where orders come from; their end means that the app is gone.
        say: Takes a line: a report, or the sentence why nothing can be trained.
        direct: See `Executor`.
        gone: Set when the app is gone, or when somebody else wants the worker to leave.

    Returns:
        The exit code: 1 if such a sentence was said.
    """
    try:
        _train(lines, lambda report: say(report.to_line()), direct, gone)
    except Exception as error:
        say(sentence_of(error) + "\n")
        return 1
    return 0


def main() -> int:
    """Serve the engine that started this process."""
    given, fed = sys.argv[1:], stat.S_ISFIFO(os.fstat(0).st_mode)
    if "--orders" not in given and (given or not fed):  # an app that was started before an update names no such option
        from core.train.standalone import main as alone

        return alone(given)
    tune_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the app decides
    gone = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: gone.set())
    engine, own = os.dup(sys.stdout.fileno()), os.dup(sys.stderr.fileno())

    def say(line: str) -> None:
        with suppress(OSError):  # the app is gone
            os.write(engine, line.encode())

    def direct(path: Path | None) -> None:
        log = own if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log, stream.fileno())
        if log != own:
            os.close(log)

    direct(None)  # whatever is printed belongs into the log
    return serve(sys.stdin, say, direct, gone)


if __name__ == "__main__":
    sys.exit(main())
