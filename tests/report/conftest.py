"""A run that was really trained."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

SPEC = ModelSpec("Small network", (1, 8, 8), 10, (Conv(6), Activation(), MaxPool(), Flatten(), Dense(10)))
CONFIG = TrainConfig(epochs=2, batch_size=32, train_images=320, lr=0.01, precision="fp32", device="cpu")


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(path))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        store = RunStore()
        run_id = store.create(SPEC, CONFIG, "digits", "A run", owner="tests")
        Runner(store, run_id, "tests").run()
        store.close()
    return path, run_id


@pytest.fixture
def trained(_trained: tuple[Path, str], home: Path) -> str:
    """Give the test's data directory a finished run on `digits` and return its id."""
    shutil.copytree(_trained[0], home, dirs_exist_ok=True)
    return _trained[1]


@pytest.fixture
def store(trained: str) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()
