"""How long the server works when another layer or picture is chosen on the page that follows the numbers.

`python -m benchmarks.maths_page [repeats]` trains the tutorial's network for a moment on 32×32 colour images and times
whole runs of the page's script inside `streamlit.testing.v1.AppTest`, which is more than the fragment that a choice
runs again; the layers take turns, and each has pictures that it has not seen.
"""

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from streamlit.testing.v1 import AppTest

from benchmarks.table import print_table
from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.shell.navigation import path

LAYERS = ("conv1", "relu1", "pool1", "conv2", "conv3", "pool3", "dense1", "dense2", "softmax and loss")


def train() -> str:
    """Record a run of the tutorial's network that has seen a few images; return its id."""
    store = RunStore()
    config = TrainConfig(epochs=1, train_images=64, device="cpu", precision="fp32")
    run_id = store.create(preset("tutorial", (3, 32, 32), 10), config, "shapes", "Tutorial", owner="benchmark")
    Runner(store, run_id, "benchmark").run()
    store.close()
    return run_id


def measure(run_id: str, repeats: int) -> dict[str, list[float]]:
    """Return milliseconds by what was chosen; the first round warms up."""
    app = AppTest.from_file(path("maths"), default_timeout=120)
    app.query_params["run"] = run_id
    app.run()
    samples: dict[str, list[float]] = {f"{layer}, a new picture": [] for layer in LAYERS}
    for turn in range(repeats + 1):
        for place, layer in enumerate(LAYERS):
            number = turn * len(LAYERS) + place
            next(field for field in app.number_input if field.label == "Number").set_value(number)
            app.query_params["layer"] = layer
            began = time.perf_counter()
            app.run()
            if turn:
                samples[f"{layer}, a new picture"].append(1000 * (time.perf_counter() - began))
            labels = [json.loads(view.proto.json).get("label", "") for view in app.get("bidi_component")]
            assert any(label.endswith(f"looking at Test image {number}") for label in labels), labels
    return samples


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)  # as the pages do
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = str(Path(home))
        print_table("Maths, the tutorial's network", "ms", measure(train(), repeats))


if __name__ == "__main__":
    main()
