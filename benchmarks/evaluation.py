"""What judging a network costs: a split against the bare forward pass, and the images behind a cell of the matrix.

`python -m benchmarks.evaluation [repeats]` asks the tutorial's network about 10,000 images of 32×32. The bare pass gets
images that are normalised already, in batches of the same size and in larger ones; contenders take turns. Then a run is
recorded, and whole runs of the page's script are timed inside `streamlit.testing.v1.AppTest`, which is more than the
fragment that a click on a cell runs again.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

from benchmarks.table import print_table
from core.data.normalization import normalized
from core.evaluation.answers import answers_of
from core.evaluation.report import report_of
from core.inference.prediction import batch_size
from core.model.build import build_model
from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.shell.navigation import path

IMAGES, LARGE = 10_000, 256


def unit(images: Tensor) -> Tensor:
    """Normalise as data sets do."""
    return normalized(images, (0.5,) * 3, (0.5,) * 3)


def bare(model: nn.Module, images: Tensor, size: int) -> None:
    """Pass normalised images through a network and keep nothing but its answers."""
    with torch.no_grad():
        torch.cat([model(batch) for batch in images.split(size)])


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def against_the_bare_pass(repeats: int) -> dict[str, list[float]]:
    """Return seconds by contender."""
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8, generator=dice)
    labels = torch.randint(0, 10, (IMAGES,), generator=dice)
    model, images = build_model(preset("tutorial", (3, 32, 32), 10)).eval(), unit(pixels)
    contenders: dict[str, Callable[[], object]] = {
        "bare forward pass": lambda: bare(model, images, batch_size(images)),
        f"bare, batches of {LARGE}": lambda: bare(model, images, LARGE),
        "answers to a split": lambda: answers_of(model, pixels, labels, normalize=unit),
        "answers and all figures": lambda: report_of(answers_of(model, pixels, labels, normalize=unit)),
    }
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, work in contenders.items():
            took = seconds(work)
            if turn:  # the first round warms up
                samples[name].append(took)
    return samples


def train() -> str:
    """Record a run of the tutorial's network that has learned a little, so that it errs everywhere; return its id."""
    store = RunStore()
    config = TrainConfig(epochs=1, train_images=256, device="cpu", precision="fp32")
    run_id = store.create(preset("tutorial", (3, 32, 32), 10), config, "shapes", "Tutorial", owner="benchmark")
    Runner(store, run_id, "benchmark").run()
    store.close()
    return run_id


def cells(run_id: str, repeats: int) -> dict[str, list[float]]:
    """Return milliseconds from the choice of a cell to its images; another cell each time."""
    app = AppTest.from_file(path("evaluate"), default_timeout=120)
    app.session_state["evaluate_section"] = "confusion"
    app.query_params["run"] = run_id
    app.run()
    while app.get("progress"):
        time.sleep(0.05)
        app.run()
    samples: list[float] = []
    for true, predicted in list(product(range(10), range(10)))[: 4 * repeats + 1]:
        app.selectbox(key="cell_true_shapes").set_value(true)
        app.selectbox(key="cell_predicted_shapes").set_value(predicted)
        samples.append(1000 * seconds(app.run))
        assert not app.exception
    return {"another cell and its images": samples[1:]}


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)  # as the pages do
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print_table(
        f"{IMAGES:,} images, the tutorial's network", "s", against_the_bare_pass(repeats), against="bare forward pass"
    )
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = str(Path(home))
        print_table("Evaluate, confusion", "ms", cells(train(), repeats))


if __name__ == "__main__":
    main()
