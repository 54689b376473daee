"""A run that was really trained, with an edit, a note and evidence, and what was exported of it."""

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.exchange.export_archive import export_run
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Residual
from core.model.spec import ModelSpec
from core.runs.records import Event
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

LAYERS = (
    Conv(4),
    BatchNorm(),
    Activation(),
    MaxPool(),
    Residual(4),
    Flatten(),
    Dropout(0.3),
    Dense(10),
)
SPEC = ModelSpec("Small network", (1, 8, 8), 10, LAYERS)
CONFIG = TrainConfig(epochs=2, batch_size=32, train_images=160, lr=0.01, precision="fp32", device="cpu", seed=3)


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, bytes]:
    path = tmp_path_factory.mktemp("exchange")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(path))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        store = RunStore()
        run_id = store.create(SPEC, CONFIG, "digits", "Ünï → run", owner="tests")
        Runner(store, run_id, "tests").run()
        store.annotate(run_id, "First line\n<b>second</b> 数字")
        store.worker.record(run_id, (), events=[Event(4, "edit", "learning rate 0.01 → 0.001")])
        store.worker.record(run_id, (), events=[Event(4, "edit", "momentum 0.9 → 0.5")])
        file = io.BytesIO()
        export_run(store, run_id, file)
        store.close()
    return path, run_id, file.getvalue()


@pytest.fixture
def trained(_trained: tuple[Path, str, bytes], home: Path) -> str:
    """Give the test's data directory a finished run on `digits`, with epochs 0 to 2, and return its id."""
    shutil.copytree(_trained[0], home, dirs_exist_ok=True)
    return _trained[1]


@pytest.fixture
def archive(_trained: tuple[Path, str, bytes]) -> bytes:
    """Return what was exported of that run; the test's own data directory is empty."""
    return _trained[2]


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def parts(archive: bytes) -> dict[str, bytes]:
    """Return the files of the archive by name, to be changed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture
def pack() -> Callable[[dict[str, bytes]], bytes]:
    """Return a function that makes an archive of such files."""

    def make(files: dict[str, bytes]) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
        return content.getvalue()

    return make
