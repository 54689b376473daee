"""Transfer learning: from photographs of 12 megapixels to a trained network, and what keeping frozen features is worth.

`python -m benchmarks.transfer [rounds]` brings in 12 photographs in two classes and trains the preset on them in a
worker process, as the app does, each time in an empty data directory: seconds until they are a data set, until their
features are computed, and until the run has finished. Then it takes turns, an epoch with its validation each, of the
same network trained on kept features and trained without them.
"""

import io
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image

from benchmarks.table import print_table
from core.assets import ASSETS
from core.data.catalog import DATASETS
from core.data.datasets import Dataset, load_dataset
from core.data.importing.importer import import_images
from core.model.build import build_model
from core.model.presets import TRANSFER, preset
from core.model.spec import ModelSpec
from core.runs.records import Status
from core.runs.store import RunStore
from core.settings import settings
from core.train.config import TrainConfig
from core.train.engine import Engine
from core.train.loop import Training
from core.train.pixel_values import with_pixel_values
from core.train.suggestion import suggested

PHOTOGRAPHS, SIDES, SIDE = 12, (4000, 3000), 224
CLASSES = {"cat": "cat.jpg", "coffee": "coffee.jpg"}
LOOK_SECONDS = 0.02
KEPT, AGAIN = "features kept", "through the backbone each time"


def photographs(seed: int) -> bytes:
    """Return a zip of folders with JPEG files of 12 megapixels: parts of two photographs, enlarged."""
    random, content = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in CLASSES.items():
            with Image.open(ASSETS / "samples" / file) as opened:
                whole = opened.convert("RGB")
            for number in range(PHOTOGRAPHS // len(CLASSES)):
                width = int(random.uniform(0.6, 0.95) * min(whole.width, whole.height * 4 / 3))
                height = width * 3 // 4
                left, top = (int(random.integers(0, room + 1)) for room in (whole.width - width, whole.height - height))
                part = whole.crop((left, top, left + width, top + height)).resize(SIDES, Image.Resampling.BICUBIC)
                packed = io.BytesIO()
                part.save(packed, "JPEG", quality=88)
                archive.writestr(f"{name}/{number}.jpg", packed.getvalue())
    return content.getvalue()


def settings_for(spec: ModelSpec, images: int) -> TrainConfig:
    """Return the settings that the app suggests."""
    return with_pixel_values(spec, suggested(images, spec))


def whole_way(seed: int) -> tuple[dict[str, float], float | None]:
    """Return the seconds of each part of the way, and the accuracy on the validation images."""
    content = photographs(seed)
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        store = RunStore()
        with_engine = Engine(store)
        began = time.perf_counter()
        info = import_images(content, "Photographs", size=SIDE, colour=True).info
        imported = time.perf_counter()
        spec = preset(TRANSFER, info.input_shape, len(info.class_names))
        run_id = store.create(spec, settings_for(spec, info.split_sizes[0]), info.name)
        with_engine.submit(run_id)
        first = computed = 0.0
        while (run := store.get(run_id)).status.active:
            now = time.perf_counter()
            first = first or (now if run.to_prepare else 0.0)
            computed = computed or (now if run.to_prepare and run.prepared == run.to_prepare else 0.0)
            time.sleep(LOOK_SECONDS)
        finished = time.perf_counter()
        with_engine.close()
        store.close()
        assert run.status is Status.FINISHED, run.message
    seconds = {
        "photographs to data set": imported - began,
        "its features": (computed or finished) - (first or imported),
        "data set to trained network": finished - imported,
        "photographs to trained network": finished - began,
    }
    return seconds, run.valid_accuracy


class Uncached(Training):
    """A training that keeps no features."""

    def same_images(self) -> dict[str, torch.Tensor]:
        return {}


def epochs(kind: type[Training], spec: ModelSpec, dataset: Dataset) -> Iterator[float]:
    """Train, and yield after each epoch how many there are a second, its validation included."""
    config = TrainConfig(**{**vars(settings_for(spec, len(dataset.train))), "epochs": 1000})
    training, began = kind(build_model(spec), dataset, config), 0.0
    for step in training:
        if step.valid is not None:
            if began:
                yield 1 / (time.perf_counter() - began)
            began = time.perf_counter()


def main() -> None:
    torch.set_num_threads(settings().threads)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    parts: dict[str, list[float]] = {}
    for seed in range(rounds):
        seconds, accuracy = whole_way(seed)
        print(f"round {seed + 1}: validation accuracy {accuracy}", flush=True)
        for name, value in seconds.items():
            parts.setdefault(name, []).append(value)
    print_table(f"{PHOTOGRAPHS} photographs of 12 megapixels", "s", parts)
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = home
        info = import_images(photographs(0), "Photographs", size=SIDE, colour=True).info
        dataset = load_dataset(DATASETS[info.name].name)
        spec = preset(TRANSFER, info.input_shape, len(info.class_names))
        trainings = {KEPT: epochs(Training, spec, dataset), AGAIN: epochs(Uncached, spec, dataset)}
        speeds: dict[str, list[float]] = {name: [] for name in trainings}
        for _ in range(rounds + 1):
            for name, training in trainings.items():
                speeds[name].append(next(training))
    print_table("Training the dense head", "epochs/s", {k: v[1:] for k, v in speeds.items()}, against=AGAIN)


if __name__ == "__main__":
    main()
