"""What every page's test shares: empty caches, no worker processes, and a network that was really trained."""

import base64
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.model.layers import Activation, AvgPool, Conv, Dense, Flatten, MaxPool, Residual
from core.model.spec import ModelSpec
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from pages.shared.network import current_network
from pages.shared.run import start
from pages.shared.shell import background_jobs, services
from pages.shared.shell.job_board import Lane

LAYERS = (
    Conv(8),
    Activation(),
    MaxPool(),
    Residual(8),
    AvgPool(),
    Flatten(),
    Dense(16),
    Activation("tanh"),
    Dense(10),
)


class IdleEngine:
    """An engine that only writes down what it is asked; the store hears of requests as from the real one."""

    words = ""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.submitted: list[str] = []
        self.requested: list[tuple[str, str]] = []
        self.watched: list[str] = []

    def submit(self, run_id: str) -> None:
        self.store.get(run_id)
        self.submitted.append(run_id)

    def request(self, run_id: str, what: str) -> None:
        self.store.request(run_id, what)
        self.requested.append((run_id, what))

    def stop(self, run_id: str) -> None:
        self.request(run_id, "stop")

    def watch(self, run_id: str) -> None:
        self.watched.append(run_id)

    def workers(self) -> dict[str, int]:
        return {}

    def hindrance(self) -> str:
        return self.words

    def close(self) -> None:
        pass


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> "Counter[str]":
    """Count how often the record of runs is read: one of them ("get"), a list of them ("list")."""
    counts = Counter[str]()

    def counted(name: str) -> Callable[..., Any]:
        read = getattr(RunStore, name)
        return lambda *arguments, **options: counts.update([name]) or read(*arguments, **options)

    for name in ("get", "list"):
        monkeypatch.setattr(RunStore, name, counted(name))
    return counts


def _forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(autouse=True)
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make each test a server that has just started: its caches are empty and its engine trains nothing.

    It does not look for components among the installed packages, where the app has none: that takes each new `AppTest`
    0.3 s (`test_components.py` does look). How long an epoch takes is measured in `test_train.py` alone. A page waits
    for its background jobs, so that one run shows what comes of them; `test_jobs.py` looks at the time until then.
    """
    monkeypatch.setattr(background_jobs, "GRACE_SECONDS", dict.fromkeys(Lane, 60.0))
    monkeypatch.setattr(services, "start_engine", IdleEngine)
    monkeypatch.setattr(services, "warm", lambda: None)
    monkeypatch.setattr(services, "is_warm", lambda: True)
    monkeypatch.setattr(start, "epoch_time", lambda draft, config: 2.0)
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
    _forget()
    yield
    _forget()


def at_layer(app: AppTest, layer: str) -> AppTest:
    """Choose a layer as a press on its block does, and return the page before it runs again."""
    app.query_params["layer"] = layer
    return app


def offered_layers(app: AppTest) -> list[str]:
    """Return the layers that the drawn network leads to, in order."""
    drawings = (json.loads(view.proto.json).get("svg", "") for view in app.get("bidi_component"))
    return [name for drawing in drawings for name in re.findall('data-target="([^"]+)"', drawing)]


def settled(app: AppTest) -> AppTest:
    """Return a page after it was run, and nothing it shows is still being computed."""
    assert not app.exception
    assert not app.get("progress")
    return app


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train a small network on a few digits, once: its data directory and the id of its run."""
    path = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(path))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        store = RunStore()
        config = TrainConfig(epochs=2, batch_size=32, train_images=320, lr=0.01, precision="fp32", device="cpu")
        spec = ModelSpec("Small network", (1, 8, 8), 10, LAYERS)
        run_id = store.create(spec, config, "digits", "Small network on digits", owner="tests")
        Runner(store, run_id, "tests").run()
        store.close()
    return path, run_id


@pytest.fixture
def trained_run(_trained: tuple[Path, str], home: Path) -> str:
    """Give the test's data directory a finished run on `digits`, with epochs 0 to 2, and return its id."""
    path, run_id = _trained
    shutil.copytree(path, home, dirs_exist_ok=True)
    return run_id


@pytest.fixture
def mute_run(trained_run: str) -> str:
    """Return the id of the trained run once nothing in its last convolution speaks for a class, at any epoch.

    Grad-CAM and Layer-CAM, which show that alone, are zero everywhere.
    """
    store = RunStore()
    for path in store.checkpoint(trained_run).parent.glob("*.safetensors"):
        checkpoint = load_checkpoint(path)
        weights = dict(checkpoint.weights)
        weights |= {"dense1.weight": weights["dense1.weight"].abs(), "dense2.weight": -weights["dense2.weight"].abs()}
        save_checkpoint(path, replace(checkpoint, weights=weights))
    store.close()
    return trained_run


@pytest.fixture
def explanations_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each explanation wait for a press, as on a slow machine: for tests that look at other parts of a page."""
    monkeypatch.setattr(current_network, "pass_seconds", lambda network: 100.0)


@pytest.fixture
def weightless_run(home: Path) -> str:
    """Give the test's data directory a run on `digits` that still waits in the queue, and return its id."""
    store = RunStore()
    spec = ModelSpec("Small network", (1, 8, 8), 10, LAYERS)
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", "Waiting")
    store.close()
    return run_id


@pytest.fixture
def damaged_run(trained_run: str) -> str:
    """Return the id of the trained run after all its checkpoints were cut short."""
    store = RunStore()
    for path in store.checkpoint(trained_run).parent.glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    store.close()
    return trained_run


@dataclass(frozen=True, eq=False)
class Sheet:
    """What the browser is given of a grid: its data, and the pixels of its tiles, uint8 (N, H, W, 3)."""

    data: dict[str, Any]
    tiles: np.ndarray


@pytest.fixture
def sheets() -> Callable[[AppTest], dict[str, Sheet]]:
    """Return a function that reads the grids of a page, by their label."""

    def read(app: AppTest) -> dict[str, Sheet]:
        found = (json.loads(element.proto.json) for element in app.get("bidi_component"))
        return {data["label"]: Sheet(data, _tiles(data)) for data in found if "png" in data}

    return read


def _tiles(data: dict[str, Any]) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(data["png"]))).convert("RGB")
    height, width, columns = data["height"], data["width"], data["columns"]
    pixels = np.asarray(image).reshape(-1, height, columns, width, 3).swapaxes(1, 2)
    return pixels.reshape(-1, height, width, 3)[: data["count"]]
