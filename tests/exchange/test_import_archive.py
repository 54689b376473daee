"""An imported run is the run that was exported; an archive with anything wrong leaves nothing behind."""

import io
import json
import math
import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from core.errors import ConvScopeError, StorageError
from core.exchange import import_archive
from core.exchange.export_archive import export_run
from core.exchange.import_archive import import_run
from core.exchange.layout import MB, RunLimits
from core.runs.checkpoint import load_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from tests.exchange.conftest import CONFIG, SPEC

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, see `to_onnx`
WEIGHTS = "weights/latest.safetensors"


def same(tensors: Any, others: Any) -> bool:
    return tensors.keys() == others.keys() and all(torch.equal(value, others[name]) for name, value in tensors.items())


def test_the_run_comes_back_as_it_was(_trained, archive, store, tmp_path, monkeypatch):
    path, run_id, _ = _trained
    there = RunStore(f"sqlite:///{path / 'runs.db'}", path / "runs")
    (tmp_path / "run.zip").write_bytes(archive)
    for source in (archive, tmp_path / "run.zip"):
        new = import_run(store, source)
        was, run = there.get(run_id), store.get(new)
        assert new != run_id
        assert replace(run, id=was.id) == was
        assert store.metrics(new) == there.metrics(run_id)
        assert store.series.events(new) == there.series.events(run_id)
        assert store.series.evidence(new) == there.series.evidence(run_id)
        assert store.epochs(new) == (0, 1, 2)
        for epoch in (None, 0, 1, 2):
            ours, theirs = (load_checkpoint(s.checkpoint(i, epoch)) for s, i in ((store, new), (there, run_id)))
            assert same(ours.weights, theirs.weights)
            assert same(ours.training, theirs.training)
            assert ours.meta == theirs.meta
        images = torch.rand(3, 1, 8, 8)
        assert torch.equal(store.load_model(new)(images), there.load_model(run_id)(images))
    there.close()


def test_a_run_that_had_not_ended_goes_on_here_as_it_would_have_gone_on_there(store):
    there = store.create(SPEC, CONFIG, "digits", owner="tests")
    steps: list[int] = []
    Runner(
        store, there, "tests", leaving=lambda: len(steps) >= 5, on_step=lambda _, step: steps.append(step.step)
    ).run()
    store.change(there, status=Status.PAUSED.value, wanted="pause")
    file = io.BytesIO()
    export_run(store, there, file)
    here = import_run(store, file.getvalue())
    run = store.get(here)
    assert (run.status, run.wanted, run.step) == (Status.INTERRUPTED, "run", 5)
    assert run.message == "It had not ended when it was exported: press Resume to go on."
    for run_id in (there, here):
        store.request(run_id, "resume")
        assert store.worker.claim("tests", 1) == run_id
        Runner(store, run_id, "tests").run()
        assert (store.get(run_id).status, store.get(run_id).step) == (Status.FINISHED, 10)
    ours, theirs = ([replace(metric, seconds=0.0) for metric in store.metrics(run_id)] for run_id in (here, there))
    assert ours == theirs
    assert same(store.load_model(here).state_dict(), store.load_model(there).state_dict())


def _changed(content: bytes, tensors: dict[str, Any] | None = None, meta: dict[str, str] | None = None) -> bytes:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    kept = {name: value for name, value in (load(content) | (tensors or {})).items() if value is not None}
    words = header.get("__metadata__", {}) | {"checksum": ""} | (meta or {})  # whoever forges a file can leave it out
    return save(kept, {key: value for key, value in words.items() if value})


@pytest.mark.parametrize("status", ["queued", "running", "paused", "stopped", "failed", "interrupted", "finished"])
def test_every_status_is_kept_but_those_of_a_run_that_a_worker_has(status, parts, pack, store):
    about = json.loads(parts["run.json"]) | {"status": status, "message": "Why."}
    run = store.get(import_run(store, pack(parts | {"run.json": json.dumps(about).encode()})))
    active = Status(status).active
    assert run.status == ("interrupted" if active else status)
    assert (run.message == "Why.") is not active
    assert store.worker.claim("anyone", 9) is None


def test_a_clock_that_was_ahead_does_not_keep_a_run_on_top(parts, pack, store):
    about = json.loads(parts["run.json"]) | {"created": 9e12}
    imported = import_run(store, pack(parts | {"run.json": json.dumps(about).encode()}))
    newer = store.create(SPEC, CONFIG, "digits")
    assert [run.id for run in store.list()] == [newer, imported]


def test_settings_that_came_later_take_their_defaults(parts, pack, store):
    config = json.loads(parts["config.json"])
    for name in ("clip_norm", "patience", "inputs"):
        del config[name]
    files = {name: data for name, data in parts.items() if name != WEIGHTS}
    run = store.get(import_run(store, pack(files | {"config.json": json.dumps(config).encode()})))
    assert TrainConfig.from_mapping(run.config) == CONFIG


def put(file: str, /, **values: Any) -> Any:
    """Return a change of some fields of a JSON record; ... takes a field out."""

    def change(files: dict[str, bytes]) -> None:
        record = json.loads(files[file]) | values
        files[file] = json.dumps({key: value for key, value in record.items() if value is not ...}).encode()

    return change


def replaced(name: str, content: str | bytes) -> Any:
    return lambda files: files.update({name: content.encode() if isinstance(content, str) else content})


def weights(file: str = WEIGHTS, /, meta: dict[str, str] | None = None, **tensors: Any) -> Any:
    """Return a change of some tensors of a checkpoint; None takes one out."""

    def change(files: dict[str, bytes]) -> None:
        named = {key.replace("__", "."): value for key, value in tensors.items()}
        files[file] = _changed(files[file], named, meta)

    return change


def first(file: str, /, **values: Any) -> Any:
    """Return a change of the first item of a list."""

    def change(files: dict[str, bytes]) -> None:
        items = json.loads(files[file])
        files[file] = json.dumps([items[0] | values, *items[1:]]).encode()

    return change


def spec(**values: Any) -> Any:
    return put("spec.json", **values)


EPOCH = "weights/epoch-0001.safetensors"
NAN, INF = float("nan"), float("inf")
HOSTILE = {
    "another format": (put("run.json", format=2), "newer version"),
    "no format": (put("run.json", format=...), "another version"),
    "an unknown field": (put("run.json", shoes=1), "unknown field 'shoes'"),
    "a missing field": (put("run.json", note=...), "lacks field 'note'"),
    "a name that is none": (put("run.json", name=""), "name in run.json cannot be ''"),
    "a name without end": (put("run.json", name="x" * 81), "name in run.json"),
    "a name that is a number": (put("run.json", name=7), "name in run.json cannot be 7"),
    "a name no database holds": (put("run.json", name="a\0b"), "name in run.json"),
    "half a letter": (put("run.json", note="\ud800"), "note in run.json"),
    "a note without end": (put("run.json", note="x" * 2001), "note in run.json"),
    "a path as data set": (put("run.json", dataset="../../etc"), "dataset in run.json"),
    "a data set of other images": (put("run.json", dataset="cifar10"), "does not fit the images"),
    "an unknown status": (put("run.json", status="levitating"), "status in run.json"),
    "a status that is a list": (put("run.json", status=["finished"]), "status in run.json"),
    "a date that is none": (put("run.json", created="yesterday"), "created in run.json"),
    "a date no clock shows": (put("run.json", created=10**400), "created in run.json"),
    "a step that is a truth": (put("run.json", step=True), "step in run.json cannot be True"),
    "a negative step": (put("run.json", step=-1), "step in run.json"),
    "a step no database holds": (put("run.json", step=2**31), "step in run.json"),
    "a loss that is no number": (put("run.json", train_loss=NAN), "no valid JSON"),
    "an accuracy above 1": (put("run.json", test_accuracy=1.5), "test_accuracy in run.json"),
    "changes that are none": (put("run.json", live=[1]), "live of run.json"),
    "a change of what cannot change": (put("run.json", live={"seed": 5}), "changes that no training allows"),
    "a change out of range": (put("run.json", live={"lr": -1.0}), "learning rate"),
    "a record that is a list": (replaced("run.json", "[]"), "no named fields"),
    "a record that is no JSON": (replaced("run.json", "{"), "no valid JSON"),
    "a field that comes twice": (replaced("run.json", '{"format": 1, "format": 1}'), "no valid JSON"),
    "a deep hole": (replaced("events.json", "[" * 200_000), "no valid JSON"),
    "a number without end": (replaced("events.json", "9" * 10_000), "no valid JSON"),
    "an unknown setting": (put("config.json", magic=1), "no training setting 'magic'"),
    "a setting of another type": (put("config.json", epochs="many"), "epochs must be"),
    "a setting out of range": (put("config.json", lr=1e9), "learning rate must be"),
    "settings that are a list": (replaced("config.json", "[]"), "no named fields"),
    "a network that fills the memory": (
        spec(
            layers=[{"kind": "conv", "out_channels": 512}, {"kind": "flatten"}, {"kind": "dense", "out_features": 4096}]
        ),
        "parameters: at most",
    ),
    "an unknown layer": (spec(layers=[{"kind": "portal"}]), "unknown kind 'portal'"),
    "an unknown field of the network": (spec(magic=1), "unknown field 'magic'"),
    "a network that cannot work": (spec(layers=[{"kind": "dense", "out_features": 10}]), "dense1"),
    "a network of other classes": (spec(num_classes=7), "dense1|does not fit"),
    "steps that are no numbers": (replaced("metrics.csv", "step\nx"), "columns of metrics.csv"),
    "events that are a dictionary": (replaced("events.json", "{}"), "no list"),
    "an event without a step": (replaced("events.json", '[{"kind": "edit", "text": "x"}]'), "lacks field 'step'"),
    "an event that talks on": (first("events.json", text="x" * 1001), "text in events.json"),
    "evidence that is no number": (first("evidence.json", value="big"), "value in evidence.json"),
    "evidence that is infinite": (first("evidence.json", value=INF), "no valid JSON"),
    "bins without end": (first("evidence.json", bins=[0.0] * 201), "bins in evidence.json"),
    "bins that are words": (first("evidence.json", bins=["a"]), "bins in evidence.json"),
    "a layer without end": (first("evidence.json", layer="x" * 81), "layer in evidence.json"),
    "evidence that is text": (replaced("evidence.json", '["x"]'), "no named fields"),
    "the same evidence twice": (
        lambda files: files.update({"evidence.json": json.dumps(json.loads(files["evidence.json"])[:1] * 2).encode()}),
        "same thing twice",
    ),
    "weights of an epoch it never had": (replaced("weights/epoch-0003.safetensors", b"x"), "does not have"),
    "weights of another name": (replaced("weights/best.safetensors", b"x"), "does not have"),
    "weights that are a pickle": (replaced(EPOCH, b"\x80\x04\x95" + b"cos\nsystem\n" * 2000), "missing or damaged"),
    "weights that are cut": (lambda files: files.update({EPOCH: files[EPOCH][:-4]}), "damaged|fewer weights"),
    "weights of another shape": (weights(EPOCH, dense1__bias=torch.zeros(11)), "another network"),
    "weights that are missing": (weights(EPOCH, dense1__bias=None, filler=torch.zeros(99)), "another network"),
    "weights nobody asked for": (weights(EPOCH, extra=torch.zeros(3)), "another network"),
    "weights that are no numbers": (weights(EPOCH, dense1__bias=torch.full((10,), NAN)), "not finite"),
    "weights that are infinite": (weights(WEIGHTS, conv1__bias=torch.full((4,), -INF)), "not finite"),
    "weights of another kind": (weights(EPOCH, dense1__bias=torch.zeros(10, dtype=torch.float64)), "another kind"),
    "a memory of another shape": (weights(**{"training/0__exp_avg": torch.zeros(3)}), "not go on"),
    "a memory that is no number": (weights(**{"training/0__step": torch.tensor(NAN)}), "not go on"),
    "half a memory": (weights(**{"training/0__exp_avg": None}), "not go on"),
    "no random numbers": (weights(**{"training/random": None}), "not go on"),
    "random numbers of another kind": (weights(**{"training/random": torch.zeros(8, dtype=torch.uint8)}), "not go on"),
    "random numbers of a GPU that has none": (weights(**{"training/random_cuda": torch.zeros(3)}), "not go on"),
    "no step to go on from": (weights(meta={"step": ""}), "not go on"),
    "a step that is a word": (weights(meta={"step": "soon"}), "not go on"),
    "a time that is no number": (weights(meta={"seconds": "nan"}), "not go on"),
    "a validation of another step": (weights(meta={"unscored": '{"step": 99}'}), "not go on"),
    "settings of another training": (weights(meta={"config": replace(CONFIG, batch_size=7).to_json()}), "not go on"),
    "settings that are none": (weights(meta={"config": "{"}), "not go on"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_gets_a_sentence_and_leaves_nothing(what, parts, pack, store):
    change, words = HOSTILE[what]
    change(parts)
    with pytest.raises(ConvScopeError, match=words) as caught:
        import_run(store, pack(parts))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert nothing_is_left(store)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def nothing_is_left(store: RunStore) -> bool:
    with sqlite3.connect(store.url.removeprefix("sqlite:///")) as database:
        tables = ("runs", "metrics", "events", "evidence")
        rows = sum(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    database.close()
    return rows == 0 and names_in(store.folder) == []


def test_an_archive_over_the_limits_leaves_nothing(archive, store):
    with pytest.raises(ConvScopeError, match="limit is"):
        import_run(store, archive, RunLimits(archive=10_000))
    with pytest.raises(ConvScopeError, match="more room"):
        import_run(store, archive, RunLimits(total=50_000))
    assert nothing_is_left(store)
    assert RunLimits().total > RunLimits().archive > 100 * MB


def test_nothing_is_left_when_the_database_fails_after_the_weights_were_moved(archive, store, monkeypatch):
    real = store.database.writing

    @contextmanager
    def failing() -> Any:
        with real() as connection:
            yield connection
            assert len(names_in(store.folder)) == 2  # the run's folder and the emptied one beside it
            raise StorageError("The disk is full.")

    monkeypatch.setattr(store.database, "writing", failing)
    with pytest.raises(StorageError, match="full"):
        import_run(store, archive)
    assert nothing_is_left(store)


def test_nothing_is_left_when_the_disk_is_full(archive, store, monkeypatch):
    def full(*arguments: Any) -> None:
        raise StorageError("The weights cannot be saved (No space left on device): make room.")

    monkeypatch.setattr(import_archive, "save_checkpoint", full)
    with pytest.raises(StorageError, match="No space left"):
        import_run(store, archive)
    assert nothing_is_left(store)


def test_files_that_no_run_has_are_left_alone(parts, pack, store):
    run_id = import_run(store, pack(parts | {"holiday.jpg": b"x", "model.onnx": b"not a model", "train.py": b"boom"}))
    assert names_in(store.folder / run_id) == [
        "curves.json",
        "epoch-0000.safetensors",
        "epoch-0001.safetensors",
        "epoch-0002.safetensors",
        "latest.safetensors",
        "run.json",
    ]
    assert math.isfinite(store.get(run_id).seconds)
