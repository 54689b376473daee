"""A worker without an app: takes runs from the store of several machines, trains them and gives back what it leaves."""

import argparse
import os
import signal
import threading
from collections.abc import Sequence

from core.console import run_command
from core.runs.store import RunStore
from core.settings import FILES
from core.train.engine import Engine

URL = "CONVSCOPE_DATABASE_URL"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.train.worker",
        description="Train runs of a store that several machines share, without the app. It ends by Ctrl-C or SIGTERM: "
        "what it trains then goes on in another worker.",
    )
    parser.add_argument(
        "--url",
        help="Run store: postgresql+psycopg://user:password@host/database. Others on this machine can see what a "
        f"command was given; without it, {URL} is read.",
    )
    parser.add_argument("--files", help=f"Where the files of the runs lie, for all machines; by default {FILES}.")
    return parser


def work(store: RunStore, over: threading.Event) -> None:
    """Train runs of a store until `over` is set; then they are checkpointed and queued for others."""
    engine = Engine(store, present=True)
    try:
        over.wait()
    finally:
        engine.close()


def main(argv: Sequence[str]) -> int:
    """Work as the command line says and return the exit code."""
    arguments = _parser().parse_args(argv)
    for name, value in ((URL, arguments.url), (FILES, arguments.files)):
        if value:
            os.environ[name] = value  # the processes that it starts read it there, too

    def act() -> int:
        over, store = threading.Event(), RunStore()
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: over.set())
        print("Taking runs from the queue. Ctrl-C ends this, and its runs go on in another worker.", flush=True)
        work(store, over)
        store.close()
        return 0

    return run_command(act)
