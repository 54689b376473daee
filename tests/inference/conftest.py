"""A run of a small network that was trained for a few steps, once for all tests of this folder."""

import shutil
from pathlib import Path

import pytest

from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("asked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(path))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        store = RunStore()
        config = TrainConfig(epochs=1, batch_size=32, train_images=64, inputs="unit", device="cpu")
        spec = ModelSpec("Small", (1, 8, 8), 10, (Conv(4), Activation(), Flatten(), Dense(10)))
        run_id = store.create(spec, config, "digits", "Small network", owner="tests")
        Runner(store, run_id, "tests").run()
        store.close()
    return path, run_id


@pytest.fixture
def trained(_trained: tuple[Path, str], home: Path) -> str:
    """Return the id of a run on `digits` in this test's own data directory; its network takes pixels from 0 to 1."""
    shutil.copytree(_trained[0], home, dirs_exist_ok=True)
    return _trained[1]
