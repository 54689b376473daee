"""The archive of a run holds all of it, and what cannot be made is named instead."""

import io
import json
import threading
import zipfile

import pytest
from safetensors.torch import load

from core.errors import RunError, StorageError
from core.exchange.csv_tables import read_curves
from core.exchange.export_archive import export_run
from core.exchange.layout import missing_weights, stem
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.runs.checkpoint import load_checkpoint
from core.runs.records import Status
from core.train.config import TrainConfig

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, see `to_onnx`


def exported(store, run_id) -> zipfile.ZipFile:
    file = io.BytesIO()
    export_run(store, run_id, file)
    return zipfile.ZipFile(file)


def test_the_archive_holds_what_the_store_holds(trained, store):
    archive, run = exported(store, trained), store.get(trained)
    assert archive.testzip() is None
    assert ModelSpec.from_json(archive.read("spec.json").decode()) == run.spec
    assert json.loads(archive.read("config.json")) == run.config
    assert read_curves(archive.read("metrics.csv").decode()) == store.metrics(trained)
    about = json.loads(archive.read("run.json"))
    assert (about["name"], about["note"], about["created"]) == (run.name, run.note, run.created)
    assert (about["status"], about["test_accuracy"]) == ("finished", run.test_accuracy)
    assert set(about["versions"]) == {"python", "torch", "numpy"}
    events = json.loads(archive.read("events.json"))
    assert [(event["step"], event["text"]) for event in events] == [
        (4, "learning rate 0.01 → 0.001"),
        (4, "momentum 0.9 → 0.5"),
    ]
    assert len(json.loads(archive.read("evidence.json"))) == len(store.series.evidence(trained)) > 20
    for name, epoch in (("latest", None), ("epoch-0000", 0), ("epoch-0001", 1), ("epoch-0002", 2)):
        assert archive.read(f"weights/{name}.safetensors") == store.checkpoint(trained, epoch).read_bytes()
    data = load(archive.read("data.safetensors"))
    assert data["train_images"].shape == (160, 1, 8, 8)
    readme = archive.read("README.txt").decode()
    assert "Not in it" not in readme
    assert all(name.split("/")[0] in readme for name in archive.namelist() if name != "README.txt")


def test_the_same_run_makes_the_same_archive(trained, store):
    first, second = (exported(store, trained).fp.getvalue() for _ in range(2))
    assert first == second


def test_a_damaged_checkpoint_is_left_out_and_named(trained, store):
    path = store.checkpoint(trained, 1)
    path.write_bytes(path.read_bytes()[:200])
    archive = exported(store, trained)
    assert "weights/epoch-0001.safetensors" not in archive.namelist()
    assert "weights/epoch-0002.safetensors" in archive.namelist()
    assert "Not in it:\n  weights/epoch-0001.safetensors: The checkpoint" in archive.read("README.txt").decode()


def test_a_run_that_waits_has_an_archive_too(store):
    spec = preset("tutorial", (3, 32, 32), 10)
    run_id = store.create(spec, TrainConfig(), "cifar10")
    archive = exported(store, run_id)
    assert {"model.onnx", "data.safetensors"}.isdisjoint(archive.namelist())
    assert not [name for name in archive.namelist() if name.startswith("weights/")]
    assert "model.onnx: This run has no weights yet" in archive.read("README.txt").decode()
    assert "CIFAR10" in archive.read("train.py").decode()


def test_a_run_that_is_no_more_has_none(store):
    with pytest.raises(RunError, match="no such run"):
        export_run(store, "0123456789", io.BytesIO())


def test_the_record_is_never_behind_the_weights(trained, store):
    """The worker writes weights a moment before the steps that led to them."""
    metrics = store.metrics(trained)
    store.worker.rewind(trained, 7)
    store.change(trained, status=Status.RUNNING.value, step=7)
    step = int(load_checkpoint(store.checkpoint(trained)).meta["step"])
    late = threading.Timer(0.3, lambda: store.worker.record(trained, metrics[7:], step=step))
    late.start()
    archive = exported(store, trained)
    late.join()
    assert len(read_curves(archive.read("metrics.csv").decode())) == step == 10


def test_a_disk_that_is_full_is_named(trained, store):
    class Full(io.BytesIO):
        def write(self, data) -> int:
            if self.tell() > 20_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    with pytest.raises(StorageError, match=r"No space left on device.*make room"):
        export_run(store, trained, Full())


def test_weights_that_cannot_be_used_are_named_without_reading_them(trained, store):
    path = store.checkpoint(trained)
    assert missing_weights(path) == ""
    path.write_bytes(path.read_bytes()[:-1])
    assert "damaged" in missing_weights(path)
    path.unlink()
    assert "no weights yet" in missing_weights(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("My run, 2nd!", "my-run-2nd"), ("../../etc/passwd", "etc-passwd"), ("数字", "run"), ("x" * 99, "x" * 60)],
)
def test_a_runs_name_begins_a_files_name(name, expected):
    assert stem(name) == expected


def test_changes_that_no_training_allows_do_not_travel(trained, store):
    store.change(trained, live='{"lr": 0.5, "batch_size": 7}')
    assert json.loads(exported(store, trained).read("run.json"))["live"] == {"lr": 0.5}
