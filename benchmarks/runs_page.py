"""How long the server works on the Runs page, with few and with many recorded runs.

`python -m benchmarks.runs_page [repeats]` fills stores with runs of 2,000 steps and times whole runs of the page's
script inside `streamlit.testing.v1.AppTest`: from the script's first line to its last, everything that the server
computes, reads from the database and encodes, in this process and without network and browser. The stores take turns.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.table import print_table
from core.model.presets import PRESETS, preset
from core.runs.records import Metric
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.shared.shell import services

STEPS, EPOCH = 2_000, 100
SIZES = (1, 20, 200)
COMPARED = 8


def measured(step: int) -> Metric:
    """Make up what a step might measure: numbers of the usual length."""
    loss = 2.302585 / (1 + step / 500) + 0.01 * (step * 7919 % 100) / 100
    valid = (loss * 1.1, 1 - loss / 3) if step % 100 == 0 else (None, None)
    return Metric(step, 1 + (step - 1) // 100, 0.001, step * 0.03, loss, 1 - loss / 2.4, *valid)


def fill(home: Path, count: int) -> list[str]:
    """Record so many finished runs of different networks and settings; return their ids."""
    store = RunStore(f"sqlite:///{home / 'runs.db'}", home / "runs")
    metrics = [measured(step) for step in range(1, STEPS + 1)]
    ended: dict[str, Any] = {"status": "finished", "step": STEPS, "total_steps": STEPS, "epoch": STEPS // EPOCH}
    ended |= {"steps_per_epoch": EPOCH, "seconds": 60.0, "images_per_second": 2100.0, "test_accuracy": 0.96}
    ids = []
    for number, name in zip(range(count), cycle(PRESETS), strict=False):
        config, spec = TrainConfig(seed=number, lr=0.001 * (1 + number % 7)), preset(name, (1, 28, 28), 10)
        ids.append(store.create(spec, config, "mnist5k", f"Run {number} of {name}", owner="benchmark"))
        store.worker.record(ids[-1], metrics, **ended)
    store.close()
    return ids


@contextmanager
def fresh_server(home: Path) -> Iterator[None]:
    """Be a server that has just started on a data directory."""
    os.environ["CONVSCOPE_HOME"] = str(home)
    yield
    services.store().close()
    st.cache_resource.clear()
    st.cache_data.clear()


def timed() -> None:
    """Run the page's script and leave its seconds in the session."""
    import runpy
    import time

    import streamlit as st

    from benchmarks.server import ROOT

    began = time.perf_counter()
    runpy.run_path(str(ROOT / "pages" / "runs.py"), run_name="__main__")
    st.session_state["seconds"] = time.perf_counter() - began


def visit(**query: str) -> float:
    """Return the milliseconds of one visit of a new session."""
    app = AppTest.from_function(timed, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if app.exception or app.error or not app.dataframe:
        sys.exit(f"The page failed: {[*app.exception, *app.error]}")
    return 1000 * float(app.session_state["seconds"])


def main() -> None:
    """Fill the stores, then take turns."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    logging.disable(logging.WARNING)  # Streamlit's remarks about running without a server
    os.environ.pop("CONVSCOPE_DATABASE_URL", None)
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        homes = {count: Path(folder) / str(count) for count in SIZES}
        ids = {}
        for count, home in homes.items():
            (home / "runs").mkdir(parents=True)
            ids[count] = fill(home, count)
        for repeat in range(-1, repeats):  # the first round loads modules
            for count, home in homes.items():
                with fresh_server(home):
                    compared = "-".join(ids[count][:COMPARED])
                    times = {
                        f"{count} runs, first visit": visit(),
                        f"{count} runs, later visit": visit(),
                        f"{count} runs, first comparison": visit(compare=compared),
                        f"{count} runs, later comparison": visit(compare=compared),
                    }
                if repeat >= 0:
                    for name, spent in times.items():
                        samples.setdefault(name, []).append(spent)
    print_table(f"Runs page, server time, {STEPS:,} steps a run, {COMPARED} runs compared", "ms", samples)


if __name__ == "__main__":
    main()
