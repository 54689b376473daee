"""Ten people who explain photographs at once: the memory that takes, and how long somebody else's page waits meanwhile.

`python -m benchmarks.explanations_shared [repeats]` runs the pages' own caches and background pool on the pretrained
network that comes with the app, 224 × 224 pixels.
"""

import logging
import os
import resource
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import torch
from streamlit.testing.v1 import AppTest

from benchmarks.table import print_table
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.explain.attribution import attribute
from core.model.zoo import BUNDLED
from pages.shared.network import current_network, inference
from pages.shared.picture import input_image
from pages.shared.shell.job_board import Job, Lane, board

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
PEOPLE = 10
METHODS = (
    *("saliency", "input_x_gradient", "integrated_gradients", "smooth_grad", "grad_cam"),
    *("gradient_shap", "occlusion", "feature_ablation", "lime", "layer_conductance"),
)
SLOW = "integrated_gradients"


def photograph(person: int) -> input_image.InputImage:
    """Return one of the sample photographs, another one for each person."""
    files = sorted(SAMPLES.glob("*.jpg"))
    image = decode_image(files[person % len(files)].read_bytes())
    pixels = fit_image(image.rotate(7 * person), (3, 224, 224))[0]
    return input_image.InputImage(f"Photograph {person}", (3, 224, 224), pixels.numpy().tobytes())


def submit(person: int, method: str) -> "Future[Any]":
    """Have a person's picture explained in the background, as the page does."""
    weights = current_network.library().pretrained(BUNDLED)
    picture = photograph(person)

    def work(tell: Any) -> Any:
        return inference.attribution(weights, picture, 285, method, progress=tell)

    job = Job(work, lasting=True, watchers={f"person {person}": 0.0})
    return board().pools[Lane.SHORT].submit(job.run)


def alone(person: int) -> torch.Tensor:
    """Return what the first of the methods says of a person's picture, asked by nobody else."""
    weights, picture = current_network.library().pretrained(BUNDLED), photograph(person)
    return attribute(weights.model, weights.normalize(picture.tensor()), 285, METHODS[0]).values


def megabytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> None:
    """Print the peak of memory before and after everybody has asked for everything."""
    submit(0, "saliency").result()
    before, began = megabytes(), time.perf_counter()
    asked = [submit(person, method) for method in METHODS for person in range(PEOPLE)]
    found = [each.result() for each in asked]
    took, peak = time.perf_counter() - began, megabytes()
    for person in range(PEOPLE):
        assert torch.equal(found[person].values, alone(person)), "explanations mixed"
    rows = {"network loaded, one explanation": [before], f"{PEOPLE} people × {len(METHODS)} methods": [peak]}
    print_table(f"Peak memory; all explained in {took:.0f} s", "MB", rows)


def page() -> None:
    """Draw what somebody else looks at."""
    import numpy as np
    import streamlit as st

    st.slider("A number", 0, 10, key="number")
    st.line_chart(np.arange(200.0))
    st.image(np.zeros((64, 64, 3), dtype=np.uint8))


def waiting(repeats: int) -> None:
    """Print how long a page and a thread of a timer wait while a photograph is explained, and while none is."""
    app = AppTest.from_function(page, default_timeout=60).run()
    pages: dict[str, list[float]] = {"idle": [], "a photograph is explained": []}
    ticks: dict[str, list[float]] = {name: [] for name in pages}
    for turn in range(repeats):
        job = None
        for name in pages:
            if name != "idle":
                job = submit(100 + turn, SLOW)
            late = threading.Thread(target=partial(_ticks, ticks[name]))
            late.start()
            for number in range(5):
                began = time.perf_counter()
                app.slider(key="number").set_value((turn + number) % 10).run()
                pages[name].append(1000 * (time.perf_counter() - began))
            late.join()
            assert job is None or not job.done(), "the explanation ended too early"
        assert job is not None
        job.result()
    print_table("Another person's page", "ms", pages, against="idle")
    print_table("A timer of 1 ms comes late by", "ms", ticks)


def _ticks(late: list[float]) -> None:
    for _ in range(150):
        began = time.perf_counter()
        time.sleep(0.001)
        late.append(1000 * (time.perf_counter() - began) - 1)


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)  # as the pages do
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        memory()
        waiting(repeats)


if __name__ == "__main__":
    main()
