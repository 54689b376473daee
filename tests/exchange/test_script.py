"""The script of a run trains the same network to the same losses, whatever was chosen."""

import csv
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from core.data import datasets
from core.data.arrays import Arrays
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.exchange.backbone import backbone_file
from core.exchange.export_archive import export_run
from core.exchange.script import to_script
from core.exchange.script_data import data_section, images_file, travels
from core.model.build import build_model
from core.model.layers import Activation, Backbone, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAvgPool
from core.model.spec import ModelSpec
from core.options import options
from core.runs.records import Event, Run, Status
from core.runs.store import RunStore
from core.train.config import AUGMENTATIONS, TrainConfig
from core.train.loop import train

CONFIG = TrainConfig(epochs=2, batch_size=40, train_images=96, lr=0.01, seed=5, precision="fp32", device="cpu")
SPEC = ModelSpec("Small", (1, 8, 8), 10, (Conv(3), BatchNorm(), Activation(), Flatten(), Dropout(0.2), Dense(10)))
STRONG = {"flip": 0.5, "shift": 0.2, "rotation": 20.0, "crop": 0.3, "jitter": 0.4, "cutout": 0.3}
CHOICES: list[dict[str, Any]] = [
    {},
    *({"optimizer": name} for name in ("adamw", "rmsprop", "nesterov", "momentum", "sgd")),
    {"optimizer": "gd", "lr": 0.5},
    {"optimizer": "gd", "lr": 0.5, "l1": 0.01, "clip_norm": 0.1, "wrong_labels": 0.2, **STRONG},
    {"optimizer": "nesterov", "momentum": 0.0},
    {"loss": "nll"},
    {"loss": "mse", "label_smoothing": 0.3},
    {"label_smoothing": 0.3},
    {"weight_decay": 0.1},
    {"l1": 0.01},
    {"clip_norm": 0.05},
    {"schedule": "step", "step_epochs": 1, "step_factor": 0.3},
    {"schedule": "cosine", "warmup_epochs": 0.7},
    {"schedule": "one_cycle", "warmup_epochs": 1.0},
    {"warmup_epochs": 1.5},
    {"wrong_labels": 0.3},
    {"order": "by_class"},
    {"order": "by_class", "wrong_labels": 0.3},
    {"inputs": "unit"},
    {"inputs": "raw", "lr": 1e-4},
    *({name: strength} for name, strength in STRONG.items()),
    STRONG,
    {"precision": "bf16"},
    {"first_filters": "by_hand"},
    {"patience": 1, "lr": 0.1, "wrong_labels": 1.0, "epochs": 6},
    {"target_accuracy": 0.3, "epochs": 6},
    {"epochs": 1, "batch_size": 4096},
]


@pytest.fixture
def recorded(store: RunStore) -> Callable[..., Run]:
    """Return a function that records a run on `digits` with some settings, which waits."""

    def make(name: str = "Mine", **changes: Any) -> Run:
        return store.get(store.create(SPEC, replace(CONFIG, **changes), "digits", name))

    return make


def again(run: Run, folder: Path, *events: Event) -> dict[str, Any]:
    """Run the script of a run in a folder and return what it names."""
    (folder / "train.py").write_text(to_script(run, events), encoding="utf-8")
    (folder / "data.safetensors").write_bytes(images_file("digits", run.config["train_images"]))
    with torch.random.fork_rng():
        return runpy.run_path(str(folder / "train.py"), run_name="__main__")


@pytest.mark.parametrize("changes", CHOICES, ids=lambda changes: "-".join(map(str, changes)) or "plain")
def test_every_choice_is_trained_to_the_same_losses(changes, recorded, tmp_path):
    run = recorded(**changes)
    config = TrainConfig.from_mapping(run.config)
    steps = list(train(build_model(SPEC, seed=5), load_dataset("digits", limit=96), config))
    rows = again(run, tmp_path)["rows"]
    assert len(rows) == len(steps)
    for row, step in zip(rows, steps, strict=True):
        assert row[:3] == (step.step, step.epoch, step.lr)
        assert row[3:5] == (step.train_loss, step.train_accuracy)
        valid = (step.valid.loss, step.valid.accuracy) if step.valid else ("", "")
        assert row[5:] == (pytest.approx(valid, rel=1e-6) if step.valid else valid)


@pytest.mark.parametrize("optimizer", ["adam", "gd"])
def test_a_single_last_image_joins_its_neighbours_in_the_script_too(optimizer, store, tmp_path):
    layers = (Flatten(), Dense(6), BatchNorm(), Activation(), Dense(10))
    spec, config = ModelSpec("Small", (1, 8, 8), 10, layers), replace(CONFIG, train_images=81, optimizer=optimizer)
    steps = list(train(build_model(spec, seed=5), load_dataset("digits", limit=81), config))
    rows = again(store.get(store.create(spec, config, "digits", "Mine")), tmp_path)["rows"]
    assert [row[:3] for row in rows] == [(step.step, step.epoch, step.lr) for step in steps]
    assert [row[3] for row in rows] == pytest.approx([step.train_loss for step in steps], rel=1e-6)
    assert len(rows) == (2 if optimizer == "gd" else 4)


def test_early_ends_are_among_the_choices(recorded):
    for changes in CHOICES[-3:-1]:
        config = TrainConfig.from_mapping(recorded(**changes).config)
        steps = list(train(build_model(SPEC, seed=5), load_dataset("digits", limit=96), config))
        assert 0 < steps[-1].epoch < config.epochs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_unpacked_and_run_it_repeats_the_record_to_the_last_digit(trained, store, tmp_path):
    import zipfile

    with (tmp_path / "run.zip").open("wb") as file:
        export_run(store, trained, file)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        archive.extractall(tmp_path)
    surroundings = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": ""}
    command = [sys.executable, "-W", "error", "-I", str(tmp_path / "train.py")]
    done = subprocess.run(command, cwd="/", env=surroundings, capture_output=True, text=True, check=True)
    with (tmp_path / "again.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    metrics = store.metrics(trained)
    assert [int(row["step"]) for row in rows] == [metric.step for metric in metrics] == list(range(1, 11))
    assert [float(row["train_loss"]) for row in rows] == pytest.approx([m.train_loss for m in metrics], rel=1e-6)
    valid = [float(row["valid_loss"]) for row in rows if row["valid_loss"]]
    assert valid == pytest.approx([m.valid_loss for m in metrics if m.valid_loss is not None], rel=1e-6)
    run = store.get(trained)
    assert f"test: loss {run.test_loss:.4f}, accuracy {run.test_accuracy:.2%}" in done.stdout
    assert "10 steps, 10 in metrics.csv: the losses are at most" in done.stdout
    assert "after step 4: learning rate 0.01 → 0.001\n#   after step 4: momentum" in (tmp_path / "train.py").read_text()


@pytest.mark.parametrize("changes", [{}, STRONG | {"loss": "mse", "optimizer": "gd", "schedule": "cosine"}])
def test_every_setting_is_stated_once(changes, recorded):
    run = recorded(**changes)
    code = to_script(run).splitlines()
    for setting in options(TrainConfig):
        value = repr(run.config[setting.name])
        constants = [line for line in code if line.startswith(f"{setting.name.upper()} = {value}  # ")]
        remarks = [line for line in code if line == f"#   {setting.name} = {value}"]
        assert len(constants) + len(remarks) == 1, setting.name
    assert all(any(line.startswith(f"{name.upper()} = ") for line in code) == bool(changes) for name in AUGMENTATIONS)


def test_a_record_that_ends_early_is_repeated_as_far_as_it_goes(recorded, store, tmp_path):
    run = recorded()
    store.change(run.id, status=Status.STOPPED.value, step=4, total_steps=6, message="")
    result = again(store.get(run.id), tmp_path)
    assert [row[0] for row in result["rows"]] == [1, 2, 3, 4]
    assert "LAST_STEP = 4  # of 6 that were planned. The run is stopped." in to_script(store.get(run.id))
    store.change(run.id, status=Status.FINISHED.value)
    assert "LAST_STEP" not in to_script(store.get(run.id))  # its patience ended it, which the script has too
    slow = recorded(max_seconds=1.0)
    store.change(slow.id, status=Status.FINISHED.value, step=2, total_steps=6, message="Its time was up: 1 seconds.")
    assert "LAST_STEP = 2  # of 6 that were planned. Its time was up: 1 seconds.\n" in to_script(store.get(slow.id))


@pytest.mark.parametrize("name", ['"""\nimport os\n"""', "a\\", '"', "'''", "\u2028raise", "{seed} %s", "x\ny"])
def test_what_people_wrote_cannot_become_code(name, recorded, store, tmp_path):
    run = recorded()
    store.change(run.id, name=name, message=f"stop\n{name}", status="stopped", step=2, total_steps=6)
    hostile = Event(1, "edit", f"lr\nraise SystemExit\r\u2028{name}")
    result = again(store.get(run.id), tmp_path, hostile)
    assert len(result["rows"]) == 2
    assert "os" not in result


def test_settings_of_another_version_have_no_script(recorded, store):
    from core.errors import ConfigError

    run = recorded()
    with pytest.raises(ConfigError, match="magic"):
        to_script(replace(run, config={**run.config, "magic": 1}))


def test_small_data_sets_travel_and_those_to_download_do_not():
    assert {name for name in DATASETS if travels(name)} >= {"digits", "mnist5k", "shapes"}
    assert not any(travels(name) for name, info in DATASETS.items() if info.download_mb is not None)
    assert not travels("mine")
    asked = data_section("mine", 50)
    assert "python -m core.exchange images mine --train-images 50 data.safetensors" in asked


@pytest.mark.parametrize(("name", "source", "limit"), [("cifar10", "CIFAR10", 0), ("mnist", "MNIST", 40)])
def test_images_that_are_downloaded_are_split_and_normalised_as_here(name, source, limit, monkeypatch):
    info = replace(DATASETS[name], split_sizes=(90, 20, 40))
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (150, *info.input_shape), dtype=np.uint8)
    labels = np.concatenate([draw.permutation(np.arange(110) % 10), draw.permutation(np.arange(40) % 10)])
    monkeypatch.setitem(DATASETS, name, info)
    monkeypatch.setitem(datasets.READERS, name, lambda progress: Arrays(images, labels.astype(np.int64)))

    def official(folder: Path, *, train: bool, download: bool) -> Any:
        part = slice(0, 110) if train else slice(110, None)
        pixels = images[part].transpose(0, 2, 3, 1) if name == "cifar10" else torch.from_numpy(images[part, 0])
        return SimpleNamespace(data=pixels, targets=labels[part].tolist())

    scope = {
        "np": np,
        "torch": torch,
        "here": Path("/nowhere"),
        "TRAIN_IMAGES": limit,
        "torchvision": SimpleNamespace(datasets=SimpleNamespace(**{source: official})),
    }
    exec("from __future__ import annotations\n" + data_section(name, limit), scope)
    dataset = load_dataset(name, limit=limit or None)
    assert (tuple(scope["MEAN"]), tuple(scope["STD"])) == (dataset.mean, dataset.std)
    for split in ("train", "valid", "test"):
        assert torch.equal(scope[f"{split}_images"], getattr(dataset, split).images)
        assert torch.equal(scope[f"{split}_labels"], getattr(dataset, split).labels)


@pytest.mark.parametrize("changes", [{}, {"shift": 0.2, "l1": 0.01}], ids=["kept", "live"])
@pytest.mark.parametrize("layers", [(GlobalAvgPool(), Dense(10)), (Flatten(), Dropout(0.2), Dense(10))])
def test_a_pretrained_backbone_is_trained_to_the_same_losses(layers, changes, store, tmp_path):
    first = Backbone(up_to=3, train_from=0 if len(layers) == 2 else 3, size=64)
    spec = ModelSpec("Transfer", (1, 8, 8), 10, (first, *layers))
    run = store.get(store.create(spec, replace(CONFIG, train_images=40, **changes), "digits", "Mine"))
    assert run.config["inputs"] == "unit"
    config = TrainConfig.from_mapping(run.config)
    steps = list(train(build_model(spec, seed=5), load_dataset("digits", limit=40), config))
    (tmp_path / "backbone.safetensors").write_bytes(backbone_file(first.network))
    rows = again(run, tmp_path)["rows"]
    assert [row[3] for row in rows] == [step.train_loss for step in steps]
    assert rows[-1][5] == pytest.approx(steps[-1].valid.loss, rel=1e-6)
