"""Prepare the demo without the app: `python -m core.demo`."""

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from core.console import run_command
from core.demo.making import train_here
from core.runs.store import RunStore


def main(argv: Sequence[str] | None = None) -> int:
    """Do as the command line says and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m core.demo",
        description="Train a small set of networks, two that learn well, one that overfits and one that diverges, so "
        "that every page has something to show. What is there already stays.",
    )
    parser.add_argument("--again", action="store_true", help="remove what there is of the demo and make all of it anew")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _make(again=arguments.again))


def _make(*, again: bool) -> int:
    store = RunStore()
    with tqdm(unit="step", dynamic_ncols=True, disable=None) as bar:

        def show(name: str, done: int, total: int) -> None:
            bar.set_description(name, refresh=False)
            bar.total, bar.n = total, done
            bar.update(0)

        runs = train_here(store, again=again, progress=show)
    for run in runs:
        score = "" if run.valid_accuracy is None else f", {run.valid_accuracy:.1%} of the validation images right"
        print(f"run {run.id} ({run.name}): {run.status}{score}")
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
