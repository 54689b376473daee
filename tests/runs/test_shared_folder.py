"""Files of runs and own data sets in a folder that several machines share."""

import pytest
import torch
from safetensors.numpy import save_file

from core.data import user_datasets
from core.data.catalog import DATASETS
from core.data.importing.dataset_writer import publish, staging_folder
from core.errors import StorageError
from core.model.build import build_model
from core.model.presets import preset
from core.runs.checkpoint import Checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig


def test_another_machine_finds_weights_and_own_data_sets_in_the_shared_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_FILES", str(tmp_path / "share"))
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", f"sqlite:///{tmp_path}/runs.db")
    spec = preset("tutorial", (1, 8, 8), 10)
    weights = build_model(spec, seed=3).state_dict()
    store = RunStore()
    run = store.create(spec, TrainConfig(epochs=1), "digits", first=Checkpoint(weights))
    store.close()
    record = {"format": 1, "title": "Two", "class_names": ["a", "b"], "input_shape": (1, 8, 8)}
    record |= {"split_sizes": (2, 1, 1), "mean": [0.5], "std": [0.5], "report": {}}
    with staging_folder() as folder:
        save_file({"images": torch.zeros(4, 1, 8, 8, dtype=torch.uint8).numpy()}, folder / "whole")
        publish(folder / "whole", "own-two", record)

    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "other"))
    store = RunStore()
    assert all(torch.equal(value, weights[name]) for name, value in store.load_model(run).state_dict().items())
    store.close()
    assert "own-two" in DATASETS
    assert user_datasets.images_path("own-two").is_file()
    assert not (tmp_path / "other").exists()


def test_a_shared_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path, monkeypatch):
    (tmp_path / "share").write_text("a file")
    monkeypatch.setenv("CONVSCOPE_FILES", str(tmp_path / "share"))
    with pytest.raises(StorageError, match="set CONVSCOPE_FILES to a folder"):
        RunStore()
