"""A run on somebody's own pictures, of 11 classes and three numbers among their names, as an archive."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.data.importing.importer import import_images
from core.exchange.export_archive import export_run
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from tests.data.archives import class_folders, packed

CLASSES = ("1", "2", "3", "birch", "cedar", "fir", "larch", "oak", "pine", "Ähre", "松")
LAYERS = (Conv(4), Activation(), MaxPool(), Flatten(), Dense(16), Activation(), Dense(11))


@dataclass(frozen=True)
class Foreign:
    """What another machine had and sent: its home, the name of its data set, the run's id, and the archive."""

    home: Path
    dataset: str
    run: str
    archive: bytes


def made(home: Path, *, colour: bool = True) -> Foreign:
    """Bring in 8 pictures of each class at `home`, train on them for two epochs, and export the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_HOME", str(home))
        patch.delenv("CONVSCOPE_DATABASE_URL", raising=False)
        archive = packed(class_folders(dict.fromkeys(CLASSES, 8)))
        info = import_images(archive, "Trees & digits", size=12, colour=colour).info
        store = RunStore()
        spec = ModelSpec("Trees", info.input_shape, 11, LAYERS)
        config = TrainConfig(epochs=2, batch_size=16, lr=0.01, device="cpu", precision="fp32", train_images=33)
        run = store.create(spec, config, info.name, "Trees → 松", owner="tests")
        Runner(store, run, "tests").run()
        file = io.BytesIO()
        export_run(store, run, file)
        store.close()
    return Foreign(home, info.name, run, file.getvalue())
